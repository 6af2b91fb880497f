import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderStore } from '../collector/native-store';
import type { Logger } from '../log';

/** Of times and sizes: as much as there is. */
const EVER = 1e15;

/** A store of files that somebody has named, which goes when it is closed. */
export interface TemporaryStore {
  store: FolderStore;
  close(): Promise<void>;
}

/**
 * Makes a store and has it filled. A signal that comes meanwhile ends the process, and takes the store with it. Throws what
 * `fill` throws, and an EverflameError where no store can be made.
 */
export async function temporaryStore(
  logger: Logger,
  fill: (store: FolderStore) => Promise<void>,
): Promise<TemporaryStore> {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-diff-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (signal: NodeJS.Signals): void => {
    remove();
    for (const one of signals) process.removeListener(one, end);
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, end);
  try {
    // Files of any age stay as long as they are shown.
    const retention = { samples: EVER, profiles: EVER, hours: EVER, bytes: EVER };
    const store = FolderStore.open(join(folder, 'store'), logger, retention);
    await fill(store);
    return {
      store,
      close: async () => {
        await store.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  } finally {
    for (const signal of signals) process.removeListener(signal, end);
  }
}
