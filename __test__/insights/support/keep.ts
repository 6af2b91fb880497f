import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { FOR_EVER, FolderStore } from '#src/collector/native-store.js';
import { parsed, type Selection } from '#src/collector/store.js';
import { Logger } from '#src/log.js';
import { temporaryFolder } from '../../support/folder.js';

/** A store with profiles of a service in it, and a selection of them all. */
export interface Filled {
  store: FolderStore;
  folder: string;
  selection: Selection;
}

export const SERVICE = 'shop';

/** Keeps profile files, or the bytes of profiles, in a store of their own. It is closed with the test. */
export async function keep(t: ExecutionContext, profiles: readonly (string | Buffer)[]): Promise<Filled> {
  const folder = temporaryFolder(t);
  const say = (line: string): void => t.fail(line);
  const store = FolderStore.open(
    folder,
    new Logger('warn', { error: say, warn: say, info: say, debug: say }),
    FOR_EVER,
  );
  t.teardown(() => store.close());
  const kept = await store.ingest([
    {
      service: SERVICE,
      tags: [
        ['process_id', '1'],
        ['runtime-id', 'one'],
      ],
      start: 0n,
      end: 0n,
      client: 'a test',
      profiles: profiles.map((profile) => ({
        name: 'wall.pprof',
        format: 'pprof',
        data: typeof profile === 'string' ? readFileSync(profile) : profile,
      })),
    },
  ]);
  for (const one of kept.flatMap((upload) => upload.profiles)) t.is(one.state, 'kept', one.reason);
  const { services } = await parsed<{ services: { from: number; to: number }[] }>(store.services());
  const { from, to } = services[0] as { from: number; to: number };
  return {
    store,
    folder,
    selection: { service: SERVICE, from: Math.floor(from), to: Math.ceil(to) + 1, where: [] },
  };
}
