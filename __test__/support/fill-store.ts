import { join } from 'node:path';
import { FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { encodeProfile, type GivenSample } from './build-profile';

/** A profile to keep. Times are milliseconds since the epoch. */
export interface GivenProfile {
  service?: string;
  tags?: Record<string, string>;
  from: number;
  to: number;
  types: [type: string, unit: string][];
  samples: GivenSample[];
  /** Requests by endpoint, where the client has counted them. */
  requests?: Record<string, number>;
}

/** Keeps profiles in the store of a working directory, as a collector there would. */
export async function fillStore(folder: string, profiles: readonly GivenProfile[]): Promise<void> {
  const store = FolderStore.open(join(folder, '.everflame', 'store'), new Logger('warn'));
  try {
    const nanoseconds = (milliseconds: number): bigint => BigInt(milliseconds) * 1_000_000n;
    const kept = await store.ingest(
      profiles.map(({ service = 'shop', tags = {}, from, to, types, samples, requests }) => ({
        service,
        tags: Object.entries(tags),
        start: nanoseconds(from),
        end: nanoseconds(to),
        client: 'test',
        profiles: [{ name: 'wall.pprof', format: 'pprof', data: encodeProfile(types, samples) }],
        ...(requests
          ? { requests: Object.entries(requests).map(([endpoint, count]) => ({ endpoint, count })) }
          : {}),
      })),
    );
    const lost = kept.flatMap((upload) => upload.profiles).filter(({ state }) => state !== 'kept');
    if (lost.length > 0) throw new Error(`the store has refused: ${JSON.stringify(lost)}`);
  } finally {
    await store.close();
  }
}
