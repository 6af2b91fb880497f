import { lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../log';

/** Everflame's folder for this user in the directory for temporary files. */
export function temporaryHome(): string {
  // By number: in a container the user often has no name, and asking for one throws.
  const uid = process.getuid?.();
  const folder = join(tmpdir(), `everflame-${uid ?? 'user'}`);
  // Windows has no such numbers, and a directory for temporary files for each user.
  return uid === undefined ? folder : ownFolder(folder, uid);
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
