import { lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { codeOf } from '../log';

/**
 * Makes a folder in a directory that is everybody's. Another user may have made one of that name before, or a link, to have
 * us write where they like: then it is a new one.
 */
export function ownFolder(path: string, uid: number): string {
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
