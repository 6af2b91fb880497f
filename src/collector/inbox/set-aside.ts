import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mkdirIfMissing } from '../../output/folder';

/** In the inbox: where files are that are no profiles. */
export const REFUSED_FOLDER = 'refused';
/** How many of them stay; the oldest go first. */
const MOST_FILES = 64;

/** Moves a file out of the way and returns where it is now. Throws the system's error. */
export function setAside(folder: string, name: string): string {
  const refused = join(folder, REFUSED_FOLDER);
  mkdirIfMissing(refused, 0o700);
  const place = join(refused, name);
  renameSync(join(folder, name), place);
  prune(refused);
  return place;
}

function prune(folder: string): void {
  const found = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return modified === undefined ? [] : [{ path, modified }];
  });
  const superfluous = found.sort((a, b) => b.modified - a.modified).slice(MOST_FILES);
  for (const { path } of superfluous) rmSync(path, { recursive: true, force: true });
}
