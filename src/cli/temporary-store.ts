import type { FolderStore } from '../collector/native-store';
import { type FilesStore, openFilesStore } from '../import/files-store';
import type { Logger } from '../log';

/**
 * Makes a store of files that somebody has named, and has it filled. A signal that comes meanwhile ends the process, and takes the
 * store with it. Throws what `fill` throws, and an EverflameError where no store can be made.
 */
export async function temporaryStore(
  logger: Logger,
  fill: (store: FolderStore) => Promise<void>,
): Promise<FilesStore> {
  const made = openFilesStore(logger);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (signal: NodeJS.Signals): void => {
    made.remove();
    for (const one of signals) process.removeListener(one, end);
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, end);
  try {
    await fill(made.store);
    return made;
  } catch (error) {
    made.remove();
    throw error;
  } finally {
    for (const signal of signals) process.removeListener(signal, end);
  }
}
