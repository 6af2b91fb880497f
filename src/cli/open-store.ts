import { dirname, join, resolve } from 'node:path';
import { FolderStore, RETENTION } from '../collector/native-store';
import type { Logger } from '../log';
import { inboxPrefix } from '../output/inbox';

const HOUR = 60 * 60 * 1000;
const MEBIBYTE = 1024 * 1024;
/** The part of the inbox's folder that is the store's. */
const STORE = 'store';

/** Where the commands of the collector keep profiles. */
export interface StoreOptions {
  store?: string;
  inbox?: string;
  /** Hours for which profiles are kept. */
  keep?: number;
  /** MiB that the store may have. */
  storeSize?: number;
}

/** A store, and the folders of it and of what is to come into it. */
export interface OpenStore {
  store: FolderStore;
  folder: string;
  inbox: string;
}

/** The folders that options name, or those of the working directory. */
export function storeFolders(
  options: StoreOptions,
  warn: (line: string) => void,
): { folder: string; inbox: string } {
  const inbox = resolve(options.inbox ?? dirname(inboxPrefix(process.cwd(), warn)));
  return { folder: resolve(options.store ?? join(inbox, STORE)), inbox };
}

/** Opens the store that options name for writing. Throws an EverflameError where it cannot be used. */
export function openStore(options: StoreOptions, logger: Logger): OpenStore {
  const folders = storeFolders(options, (line) => logger.warn(line));
  const { keep, storeSize } = options;
  const store = FolderStore.open(folders.folder, logger, {
    ...RETENTION,
    ...(keep === undefined ? {} : { profiles: keep * HOUR }),
    ...(storeSize === undefined ? {} : { bytes: storeSize * MEBIBYTE }),
  });
  return { store, ...folders };
}
