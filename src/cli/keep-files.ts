import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { FolderStore } from '../collector/native-store';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';

/** Keeps profiles as those of one service, added together. Throws an EverflameError for a file that is no profile. */
export async function keepFiles(
  store: FolderStore,
  files: readonly string[],
  service: string,
): Promise<void> {
  const kept = await store.ingest(
    files.map((file) => ({
      service,
      tags: [['file', resolve(file)]],
      start: 0n,
      end: 0n,
      client: 'file',
      profiles: [{ name: basename(file), format: 'pprof', data: readFile(file) }],
    })),
  );
  for (const [index, { profiles }] of kept.entries()) {
    const refused = profiles.find(({ state }) => state === 'refused');
    if (refused) {
      throw new EverflameError(
        'NOT_A_PROFILE',
        `${files[index]} cannot be compared: ${refused.reason}. It takes pprof files, plain or compressed with gzip or Zstandard; "everflame export --pprof" turns those of other profilers into pprof`,
      );
    }
  }
}

function readFile(file: string): Buffer {
  try {
    // Some have no end.
    if (statSync(file).isCharacterDevice()) throw new Error('it is a device');
    return readFileSync(file);
  } catch (error) {
    throw new EverflameError(
      'UNREADABLE',
      `cannot read ${file}: ${reasonOf(error)}. Name a file that this user may read`,
      { cause: error },
    );
  }
}
