import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../log';

/**
 * The prefix of an output as a path that stays right when the program changes its working directory. Throws an EverflameError
 * where it is relative to one that is gone, or whose name is not UTF-8.
 */
export function absolutePrefix(output: string): string {
  const path = absoluteFolder(output);
  // Somebody who ends it with a slash means a folder.
  return output.endsWith('/') ? join(path, 'profile') : path;
}

/** As `absolutePrefix`, for a folder, with a slash behind it or without. */
export function absoluteFolder(folder: string): string {
  try {
    const path = resolve(folder);
    if (!path.includes('\ufffd')) return path;
  } catch {
    // The working directory is gone.
  }
  const { absoluteOddFolder } = require('./odd-folder') as typeof import('./odd-folder');
  return absoluteOddFolder(folder);
}

/** Makes a folder and those above it. Throws the system's error where one cannot be made. */
export function makeFolder(folder: string): void {
  // Node's own recursive mkdir never returns below /proc, where making a folder fails with ENOENT though its parent exists.
  try {
    mkdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const parent = dirname(folder);
    if (codeOf(error) !== 'ENOENT' || parent === folder) throw error;
    makeFolder(parent);
    mkdirIfMissing(folder);
  }
}

/** Makes the folder of a prefix and checks that files can be made in it. Throws the system's error if not. */
export function assertWritable(prefix: string): void {
  const folder = dirname(prefix);
  makeFolder(folder);
  // With the slash a file of that name is refused too: ENOTDIR.
  accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
}

/** Makes a folder unless it is there; `mode` is as in mkdir(2). Throws the system's error where it cannot be made. */
export function mkdirIfMissing(folder: string, mode?: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process that writes to the same folder was faster.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
