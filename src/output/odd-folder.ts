/** Folders that cannot be named as usual. Loaded where there is one: that is rare. */
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';

/** Why nothing is written below such a working directory, as a part of a sentence. */
export const NOT_UTF8 =
  'the name of the working directory is not UTF-8, so that Node.js cannot tell where it is';

/**
 * Whether a working directory goes by another name here than it has: Node.js puts U+FFFD for what is not UTF-8, and would make a new
 * folder of that name.
 */
export function isMangled(workingDirectory: string): boolean {
  if (!workingDirectory.includes('\ufffd')) return false;
  try {
    const [named, own] = [workingDirectory, '.'].map((path) => statSync(path, { bigint: true }));
    return named?.ino !== own?.ino || named?.dev !== own?.dev;
  } catch {
    return true;
  }
}

/** A folder by its whole path. Throws an EverflameError where it is relative to one that is gone, or that has no such path. */
export function absoluteOddFolder(folder: string): string {
  const wanted = 'Name it by its whole path, from / on';
  let [here, path] = ['', ''];
  try {
    [here, path] = [resolve('.'), resolve(folder)];
  } catch (error) {
    throw new EverflameError(
      'NO_WORKING_DIRECTORY',
      `the output ${folder} is below a working directory that is gone (${reasonOf(error)}). ${wanted}`,
      { cause: error },
    );
  }
  if (!isAbsolute(folder) && isMangled(here)) {
    throw new EverflameError(
      'NAMELESS_WORKING_DIRECTORY',
      `the output ${folder} is relative, and ${NOT_UTF8}. ${wanted}`,
    );
  }
  return path;
}

/** The line for a path that somebody has named by a name which is not UTF-8: it is not the path that is used. */
export function oddNameWarning(path: string, variable: string): string {
  return `a name in ${path} is not UTF-8: Node.js makes another of it, and that is where files go. Name them a place in UTF-8 with ${variable}.`;
}
