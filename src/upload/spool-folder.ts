import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../output/folder';
import { pidNamespace, SEED_FILE, type Seed, SPOOLED_PREFIX, startTicks } from './seed';

/** What ends the name of a profile that is complete. */
export const PROFILE_SUFFIX = '.wall.pprof';
/** And that of a profile whose period goes on, with `EVERFLAME_SPOOL=always`. */
const PART_SUFFIX = '.part';
/** Folders of ended processes that a living one has taken over, in its own folder. */
const ADOPTED = 'adopted';
/** A living process shows it at least so often by the time of its seed. */
export const HEARTBEAT_MILLISECONDS = 60_000;
/** One of another namespace that has not for so long counts as ended. */
const SILENT_MILLISECONDS = 5 * HEARTBEAT_MILLISECONDS;

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

/** The complete profiles in one folder. Throws the system's error where it cannot be read. */
export function filesIn(folder: string): SpooledFile[] {
  return readdirSync(folder).flatMap((name) => {
    if (!name.startsWith(`${SPOOLED_PREFIX}.`) || !name.endsWith(PROFILE_SUFFIX)) return [];
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    const base = name.slice(0, -PROFILE_SUFFIX.length);
    return found?.isFile() ? [{ folder, base, bytes: found.size, modified: found.mtimeMs }] : [];
  });
}

/** The folders of processes in a folder. */
export function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== ADOPTED)
      .map((entry) => join(folder, entry.name));
  } catch {
    // It was never made, or another process has taken it away.
    return [];
  }
}

/** Folders that this process has taken over. */
export function adoptedIn(own: string): string[] {
  return foldersIn(join(own, ADOPTED));
}

/** The seed in a folder; undefined where there is none that can be read. */
export function seedIn(folder: string): Seed | undefined {
  try {
    const seed = JSON.parse(readFileSync(join(folder, SEED_FILE), 'utf8')) as Seed;
    const isWhole =
      typeof seed.runtimeId === 'string' &&
      typeof seed.pid === 'number' &&
      Array.isArray(seed.exporters) &&
      typeof seed.environment === 'object';
    return isWhole ? seed : undefined;
  } catch {
    return undefined;
  }
}

/** Shows others that the process of this folder lives. */
export function beat(folder: string): void {
  const now = new Date();
  utimesSync(join(folder, SEED_FILE), now, now);
}

/** When the process of a folder last showed that it lives, in milliseconds since the epoch; 0 where it never did. */
function lastBeat(folder: string): number {
  return statSync(join(folder, SEED_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether the process of a folder has ended, as far as that can be known. */
export function hasEnded(folder: string, seed: Seed, now = Date.now()): boolean {
  if (seed.namespace === pidNamespace()) return !lives(seed);
  // Another container's numbers mean nothing here.
  return Math.abs(now - lastBeat(folder)) > SILENT_MILLISECONDS;
}

function lives({ pid, startTicks: ticks }: Seed): boolean {
  if (ticks !== undefined) return startTicks(pid) === ticks;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Takes over the folder of a process that has ended, with those that it had taken over: by renaming, so that of two that want it
 * one gets it. Returns the folders at their new places.
 */
export function adopt(folder: string, own: string): string[] {
  const nested = adoptedIn(folder);
  return [...nested, folder].flatMap((found) => {
    const target = join(own, ADOPTED, found.slice(found.lastIndexOf('/') + 1));
    try {
      makeFolder(join(own, ADOPTED));
      renameSync(found, target);
      return [target];
    } catch {
      // Another process was faster, or it is not ours to move.
      return [];
    }
  });
}

/** Puts what was taken over back to where others find it. For the end of the process. */
export function release(own: string, spool: string): void {
  for (const folder of adoptedIn(own)) {
    try {
      renameSync(folder, join(spool, folder.slice(folder.lastIndexOf('/') + 1)));
    } catch {
      // It is found in this folder, too, once this process has ended.
    }
  }
}

/**
 * What an ended process had written of periods that were not over becomes their profiles. Where the whole profile is there too it
 * was about to take the part's place.
 */
export function completeParts(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${SPOOLED_PREFIX}.`) || !name.endsWith(PART_SUFFIX)) continue;
    const part = join(folder, name);
    const whole = part.slice(0, -PART_SUFFIX.length);
    if (existsSync(whole)) rmSync(part, { force: true });
    else renameSync(part, whole);
  }
}

/** Removes a folder that holds no profile. */
export function removeFolder(folder: string): void {
  try {
    const holds = readdirSync(folder).some((name) => name.startsWith(`${SPOOLED_PREFIX}.`));
    if (!holds && adoptedIn(folder).length === 0) rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is gone.
  }
}
