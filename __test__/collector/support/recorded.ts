import type { ExecutionContext } from 'ava';
import { FolderStore } from '#src/collector/native-store.js';
import type { Kept, Upload } from '#src/collector/store.js';
import { Logger } from '#src/log.js';
import type { LoadedProfile } from '#src/profile/model.js';
import { decodeProfile } from '#src/profile/read.js';
import { temporaryFolder } from '../../support/folder.js';
import { withoutZstd } from '../../support/zstd.js';
import { type Opened, openCollector } from './collector.js';

/** An upload that a collector gave its store, and what became of it. */
export interface Recorded {
  upload: Upload;
  kept: Kept;
}

/** What clients have sent, and a collector that answers questions about it. */
export interface Gathered {
  recorded: Recorded[];
  /** Over the same folder, opened anew: whatever it answers was on disk. */
  opened: Opened;
}

/** Lets clients send to a collector over a store in a folder, until `clients` settles. Asserts that nothing of it was refused. */
export async function gather(
  t: ExecutionContext,
  clients: (url: string, recorded: readonly Recorded[]) => Promise<void>,
): Promise<Gathered> {
  const folder = temporaryFolder(t);
  const lines: string[] = [];
  const say = (line: string): void => {
    lines.push(line);
  };
  const logger = new Logger('warn', { error: say, warn: say, info: say, debug: say });
  const recorded: Recorded[] = [];
  const writing = FolderStore.open(folder, logger);
  const ingest = writing.ingest.bind(writing);
  writing.ingest = async (uploads) => {
    const kept = await ingest(uploads);
    recorded.push(...uploads.map((upload, index) => ({ upload, kept: kept[index] as Kept })));
    return kept;
  };
  const { collector, url, lines: said } = await openCollector(t, { store: writing });
  await clients(url, recorded).finally(async () => {
    await collector.close();
    await writing.close();
  });
  const reading = FolderStore.open(folder, logger);
  t.teardown(() => reading.close());
  const opened = await openCollector(t, { store: reading });
  t.deepEqual([...lines, ...said], []);
  t.deepEqual(
    recorded.flatMap(({ kept }) => kept.profiles).filter(({ state }) => state === 'refused'),
    [],
  );
  return { recorded, opened };
}

/**
 * Pprof profiles of a service, decoded by a reader that has nothing in common with the store's. Those that a client has sent
 * again, as when the answer was late, count once.
 */
export function profilesOf(recorded: readonly Recorded[], service: string): LoadedProfile[] {
  return recorded
    .filter(({ upload }) => upload.service === service)
    .flatMap(({ upload, kept }) =>
      upload.profiles.filter((_, index) => kept.profiles[index]?.state === 'kept'),
    )
    .map(({ name, data }) => decodeProfile(name, withoutZstd(data)));
}
