import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SPOOLED_PREFIX } from './seed';

/** What ends the name of a profile that is complete. */
const PROFILE_SUFFIX = '.wall.pprof';
/** Folders of ended processes that a living one has taken over, in its own folder. */
const ADOPTED = 'adopted';

/** A folder of a process is called by its runtime id. Nothing else in the spool is ours, whoever has named which folder. */
const RUNTIME_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PROFILE = new RegExp(`^${SPOOLED_PREFIX}\\.\\d+\\.\\d+\\${PROFILE_SUFFIX}$`);
const BASE = new RegExp(`^${SPOOLED_PREFIX}\\.\\d+\\.\\d+(?=\\.)`);

/** One profile in the spool. */
export interface SpooledFile {
  folder: string;
  /** Its name without the ending: `profile.<pid>.<number>`. */
  base: string;
  bytes: number;
  /** In milliseconds since the epoch. */
  modified: number;
}

export function pathOf({ folder, base }: SpooledFile): string {
  return join(folder, `${base}${PROFILE_SUFFIX}`);
}

/** The number in its name. */
export function sequenceOf({ base }: SpooledFile): number {
  return Number(/\.(\d+)$/.exec(base)?.[1] ?? 0);
}

/** The complete profiles in one folder; none where it cannot be read. Links are none. */
export function filesIn(folder: string): SpooledFile[] {
  return namesIn(folder).flatMap((name) => {
    if (!PROFILE.test(name)) return [];
    const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
    const base = name.slice(0, -PROFILE_SUFFIX.length);
    return found?.isFile() ? [{ folder, base, bytes: found.size, modified: found.mtimeMs }] : [];
  });
}

/** Removes what is called as a profile in a folder and is no file: a link, a pipe, a folder. Returns what it was called. */
export function removeOdd(folder: string): SpooledFile[] {
  return namesIn(folder).flatMap((name) => {
    if (!PROFILE.test(name)) return [];
    const path = join(folder, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found || found.isFile()) return [];
    try {
      // Of a link the link, and not what it leads to.
      rmSync(path, { recursive: true });
    } catch {
      return [];
    }
    return [{ folder, base: name.slice(0, -PROFILE_SUFFIX.length), bytes: 0, modified: found.mtimeMs }];
  });
}

/**
 * What the profiles in a folder take on disk with all that goes with them or was left by a write of theirs, by their names without
 * ending; what is of no profile is under the empty name. A file that has several names counts in parts.
 */
export function bytesIn(folder: string): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const name of namesIn(folder)) {
    const base = BASE.exec(name)?.[0] ?? '';
    bytes.set(base, (bytes.get(base) ?? 0) + sizeOf(join(folder, name)));
  }
  return bytes;
}

/** What a file takes under this name; nothing where there is none. */
export function sizeOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size / found.nlink : 0;
}

/** The folders of processes in a folder: those of this user, and no links. */
export function foldersIn(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => RUNTIME_ID.test(name))
    .map((name) => join(folder, name))
    .filter(isOwnFolder);
}

/** Folders that the process of this folder has taken over. */
export function adoptedIn(own: string): string[] {
  const folder = join(own, ADOPTED);
  return isOwnFolder(folder) ? foldersIn(folder) : [];
}

/**
 * Takes over the folder of a process that has ended: by renaming, so that of two that want it one gets it. Returns its new place;
 * undefined where another process was faster, or it is not ours to move.
 */
export function adopt(folder: string, own: string): string | undefined {
  const target = join(own, ADOPTED, basename(folder));
  try {
    mkdirSync(join(own, ADOPTED), { recursive: true, mode: 0o700 });
    renameSync(folder, target);
    return target;
  } catch {
    return undefined;
  }
}

/** Puts a folder that was taken over back to where others find it. */
export function giveBack(folder: string, spool: string): void {
  try {
    renameSync(folder, join(spool, basename(folder)));
  } catch {
    // It is found where it is, too, once this process has ended.
  }
}

/** Removes a folder of a process that has ended, unless it holds a profile. */
export function removeEmpty(folder: string): void {
  if (namesIn(folder).some((name) => PROFILE.test(name)) || adoptedIn(folder).length > 0) return;
  remove(folder);
}

/** The same for the own folder, in which the sampler may be writing a profile just now. */
export function removeOwn(folder: string): void {
  if (namesIn(folder).some((name) => name.startsWith(`${SPOOLED_PREFIX}.`)) || adoptedIn(folder).length > 0)
    return;
  remove(folder);
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Somebody else's file is in it.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It was never made, or another process has taken it away.
    return [];
  }
}

function isOwnFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (process.getuid === undefined || found.uid === process.getuid());
}
