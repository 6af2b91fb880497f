import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FolderStore, RETENTION } from '../collector/native-store';
import { EverflameError } from '../engine';
import type { Logger } from '../log';
import { inboxPrefix } from '../output/inbox';
import { temporaryHome } from '../output/own-folder';

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

/** The folders that options name, or those of the working directory. Throws an EverflameError where that is gone. */
function storeFolders(
  options: StoreOptions,
  warn: (line: string) => void,
): { folder: string; inbox: string } {
  const inbox = resolve(options.inbox ?? dirname(inboxPrefix(workingDirectory(), warn)));
  return { folder: resolve(options.store ?? join(inbox, STORE)), inbox };
}

/** The store that options name, or the one of the working directory, for questions: nothing is made for them. */
export function storeToRead({ store, inbox }: StoreOptions): string {
  const folder = workingDirectory();
  if (store !== undefined) return resolve(store);
  const own = join(inbox === undefined ? join(folder, '.everflame') : resolve(inbox), STORE);
  if (inbox !== undefined || existsSync(own)) return own;
  // Where the working directory cannot be written, collectors keep it there.
  const elsewhere = join(temporaryHome(), STORE);
  return existsSync(elsewhere) && !isWritable(folder) ? elsewhere : own;
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new EverflameError(
      'NO_FOLDER',
      'the working directory is gone: go to one that is there, and run the command again',
      { cause: error },
    );
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
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
