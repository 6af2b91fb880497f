import { lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
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
 * us write where they like: then it is one of another name, the same for all processes of this user.
 */
function ownFolder(path: string, uid: number): string {
  try {
    mkdirSync(path, { mode: 0o700 });
    return path;
  } catch (error) {
    // Whatever else is wrong is told where the first profile is written.
    if (codeOf(error) !== 'EEXIST' || isOurs(path, uid)) return path;
    const [found] = besides(path).filter((other) => isOurs(other, uid));
    return found ?? mkdtempSync(`${path}-`);
  }
}

/** Folders that were made in place of this one, as `mkdtemp` names them. */
function besides(path: string): string[] {
  const [folder, name] = [dirname(path), `${basename(path)}-`];
  try {
    const names = readdirSync(folder).filter(
      (other) => other.startsWith(name) && other.length === name.length + 6,
    );
    return names.sort().map((other) => join(folder, other));
  } catch {
    return [];
  }
}

function isOurs(path: string, uid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o022) === 0;
}
