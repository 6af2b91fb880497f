import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOR_EVER, FolderStore } from '../collector/native-store';
import type { Logger } from '../log';

/** A store that goes with its process. Files of any age stay as long as they are shown. */
export interface FilesStore {
  store: FolderStore;
  /** May be called again. */
  close(): Promise<void>;
  /** Removes its files at once: the process ends. */
  remove(): void;
}

/** Throws an EverflameError where there can be none. */
export function openFilesStore(logger: Logger): FilesStore {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-view-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const store = FolderStore.open(join(folder, 'store'), logger, FOR_EVER);
    let closing: Promise<void> | undefined;
    return {
      store,
      remove,
      close: () => {
        closing ??= store.close().then(remove);
        return closing;
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
