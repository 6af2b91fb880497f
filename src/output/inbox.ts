import { readdirSync, rmSync, statSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { assertWritable, mkdirIfMissing } from './folder';
import { temporaryHome } from './own-folder';
import { runtimeIdIn } from './process-name';

/** How long a profile stays in a folder that nobody named. */
const MAXIMUM_AGE_MILLISECONDS = 24 * 60 * 60 * 1000;
/** How much such a folder may hold; the oldest files go first. */
const MAXIMUM_BYTES = 256 * 1024 * 1024;

/** How long a file that is being written may take: one that is older was left by a process that was killed. */
const MAXIMUM_WRITING_MILLISECONDS = 60 * 60 * 1000;
/** How long the end of a process may work on such a folder. */
const EXIT_MILLISECONDS = 25;
/** With how many files it works in any case: a busy machine may take the whole time away at once. */
const EXIT_FILES = 64;
/**
 * How much longer the word of a process stays than its last profile: one that the sampler wrote by itself did not show that it came.
 */
const LONGER_MILLISECONDS = 60 * 60 * 1000;
/** What follows a prefix: a profile, or one that is being written. See `pprof-file.ts`, and `output.rs` of the native sampler. */
const OURS = /^\.\d+\.\d+\.wall\.pprof(\.[\w.]*tmp)?$/;

const LIMITS: Limits = {
  age: MAXIMUM_AGE_MILLISECONDS,
  bytes: MAXIMUM_BYTES,
  writing: MAXIMUM_WRITING_MILLISECONDS,
};

/** What a folder may hold: ages in milliseconds. */
interface Limits {
  age: number;
  bytes: number;
  writing: number;
}

interface Found {
  path: string;
  size: number;
  /** In milliseconds since the epoch. */
  modified: number;
}

/**
 * Prefix for profiles when no output is named: `.everflame/profile` in the working directory, or in the
 * directory for temporary files where that one cannot be written. `warn` is told of a working directory whose name is not UTF-8.
 */
export function inboxPrefix(workingDirectory: string, warn: (line: string) => void): string {
  try {
    const here = resolve(workingDirectory, '.everflame', 'profile');
    if (here.includes('\ufffd')) {
      const { isMangled, NOT_UTF8 } = require('./odd-folder') as typeof import('./odd-folder');
      if (isMangled(resolve(workingDirectory))) {
        const folder = temporaryHome();
        warn(
          `${NOT_UTF8}: profiles that nobody names a place for go to ${folder}. Name another with DD_PROFILING_OUTPUT_PPROF=<prefix>, by its whole path.`,
        );
        return join(folder, 'profile');
      }
    }
    // Names of functions and endpoints are nobody else's business. One that is there stays as it is.
    mkdirIfMissing(dirname(here), 0o700);
    assertWritable(here);
    return here;
  } catch {
    // A read-only working directory is usual in containers, and the reason for the second place. One that is gone has no
    // path at all.
    return join(temporaryHome(), 'profile');
  }
}

/**
 * Removes the profiles of an inbox that are too old or too many, the word of processes with their last one, and what killed
 * writers have left. `now` is in
 * milliseconds since the epoch.
 */
export async function pruneInbox(prefix: string, now = Date.now(), limits = LIMITS): Promise<void> {
  const folder = dirname(prefix);
  const files = await Promise.all(
    (await readdir(folder))
      .filter((name) => isOurs(prefix, name))
      .map(async (name) => {
        const path = join(folder, name);
        // Another process that prunes the same folder may have been faster: then there is nothing to do.
        const found = await stat(path).catch(() => undefined);
        return found && { path, size: found.size, modified: found.mtimeMs };
      }),
  );
  const superfluous = superfluousOf(
    files.filter((file) => file !== undefined),
    now,
    limits,
  );
  for (const path of superfluous) await rm(path, { force: true });
}

/**
 * As `pruneInbox`, for a process that is about to end: a program that is shorter than a period comes to no other
 * pruning. It stops when its time is over, and begins anywhere in the folder, so that the next process gets further.
 */
export function pruneInboxSync(prefix: string, milliseconds = EXIT_MILLISECONDS): void {
  const begin = performance.now();
  const isOver = (share: number, done: number): boolean =>
    done >= EXIT_FILES && performance.now() - begin >= share * milliseconds;
  const folder = dirname(prefix);
  const names = readdirSync(folder).filter((name) => isOurs(prefix, name));
  const start = Math.floor(Math.random() * names.length);
  const files: Found[] = [];
  for (const [index, name] of [...names.slice(start), ...names.slice(0, start)].entries()) {
    // Half of the time for looking, so that something is left for removing.
    if (isOver(1 / 2, index)) break;
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found) files.push({ path, size: found.size, modified: found.mtimeMs });
  }
  for (const [index, path] of superfluousOf(files, Date.now(), LIMITS).entries()) {
    if (isOver(1, index)) break;
    rmSync(path, { force: true });
  }
}

/** A profile, one that is being written, or the word of a process. Others may have been told to write to the same folder. */
function isOurs(prefix: string, name: string): boolean {
  if (runtimeIdIn(name) !== undefined) return true;
  const start = basename(prefix);
  return name.startsWith(start) && OURS.test(name.slice(start.length));
}

/** Of some files of an inbox, those that have to go. */
function superfluousOf(files: Found[], now: number, limits: Limits): string[] {
  let kept = 0;
  return files
    .sort((a, b) => b.modified - a.modified)
    .filter(({ path, size, modified }) => {
      if (path.endsWith('.tmp')) return now - modified > limits.writing;
      kept += size;
      const isProfile = path.endsWith('.pprof');
      return kept > limits.bytes || now - modified > limits.age + (isProfile ? 0 : LONGER_MILLISECONDS);
    })
    .map(({ path }) => path);
}
