import { lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../log';
import { assertWritable } from './folder';

/** How long a profile stays in a folder that nobody named. */
const MAXIMUM_AGE_MILLISECONDS = 24 * 60 * 60 * 1000;
/** How much such a folder may hold; the oldest files go first. */
const MAXIMUM_BYTES = 256 * 1024 * 1024;

/**
 * Prefix for profiles when no output is named: `.everflame/profile` in the working directory, or in the
 * directory for temporary files where that one cannot be written.
 */
export function inboxPrefix(): string {
  try {
    const here = resolve('.everflame', 'profile');
    assertWritable(here);
    return here;
  } catch {
    // A read-only working directory is usual in containers, and the reason for the second place. One that is gone has no
    // path at all.
    // By number: in a container the user often has no name, and asking for one throws.
    const uid = process.getuid?.();
    const folder = join(tmpdir(), `everflame-${uid ?? 'user'}`);
    // Windows has no such numbers, and a directory for temporary files for each user.
    return join(uid === undefined ? folder : ownFolder(folder, uid), 'profile');
  }
}

/**
 * Makes a folder in a directory that is everybody's. Another user may have made one of that name before, or a link, to have
 * us write where they like: then it is a new one.
 */
function ownFolder(path: string, uid: number): string {
  try {
    mkdirSync(path, { mode: 0o700 });
    return path;
  } catch (error) {
    // Whatever else is wrong is told where the first profile is written.
    if (codeOf(error) !== 'EEXIST') return path;
    const found = lstatSync(path);
    const isOurs = found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
    return isOurs ? path : mkdtempSync(`${path}-`);
  }
}

/** Removes the profiles of an inbox that are too old or too many. `now` is in milliseconds since the epoch. */
export async function pruneInbox(
  prefix: string,
  now = Date.now(),
  limits = { age: MAXIMUM_AGE_MILLISECONDS, bytes: MAXIMUM_BYTES },
): Promise<void> {
  const folder = dirname(prefix);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wall.pprof'));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // Another process that prunes the same folder may have been faster: then there is nothing to do.
      const found = await stat(path).catch(() => undefined);
      return found && { path, size: found.size, modified: found.mtimeMs };
    }),
  );
  let kept = 0;
  const newestFirst = files.filter((file) => file !== undefined).sort((a, b) => b.modified - a.modified);
  for (const file of newestFirst) {
    kept += file.size;
    if (kept > limits.bytes || now - file.modified > limits.age) await rm(file.path, { force: true });
  }
}
