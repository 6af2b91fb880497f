import { promises, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { WriteFailure } from '../engine';
import { codeOf, reasonOf } from '../log';
import { flagsToWrite } from '../permission';
import { makeFolder } from './folder';

const SUFFIX = '.wall.pprof';

/**
 * Path of one profile: `<prefix>.<pid>.<sequence>.wall.pprof`. Process number and counter keep the files of
 * one run apart; the native sampler uses the same scheme for the file it writes when a signal ends the process.
 */
export function profilePath(prefix: string, sequence: number): string {
  return `${prefix}.${process.pid}.${sequence}${SUFFIX}`;
}

/** A profile that is there, with what its name tells. */
export interface ProfileFile {
  path: string;
  pid: number;
  sequence: number;
}

/** The profiles of a prefix: also those that the native sampler wrote when a signal ended a process. */
export function profilesAt(prefix: string): ProfileFile[] {
  const [folder, start] = [dirname(prefix), `${basename(prefix)}.`];
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // The folder was never made, which the process itself has reported or will.
    return [];
  }
  return names.flatMap((name) => {
    if (!name.startsWith(start) || !name.endsWith(SUFFIX)) return [];
    const numbers = /^(\d+)\.(\d+)$/.exec(name.slice(start.length, -SUFFIX.length));
    if (!numbers) return [];
    return [{ path: join(folder, name), pid: Number(numbers[1]), sequence: Number(numbers[2]) }];
  });
}

/**
 * The first number of which no file of this process number and prefix exists: each run of a container begins with the same
 * process number. As `next_sequence` of the native sampler.
 */
export function nextSequence(prefix: string): number {
  const own = profilesAt(prefix).filter(({ pid }) => pid === process.pid);
  return own.reduce((next, { sequence }) => Math.max(next, sequence + 1), 0);
}

/** Writes a profile under a temporary name and renames it, so that a reader never meets half a file. */
export async function writeProfile(path: string, data: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await promises.writeFile(temporary, data).catch((error: unknown) => {
      // Somebody has removed the folder since the start.
      if (codeOf(error) !== 'ENOENT') throw error;
      makeFolder(dirname(path));
      return promises.writeFile(temporary, data);
    });
    await promises.rename(temporary, path);
  } catch (error) {
    // The write is what failed; a leftover that cannot be removed either adds nothing to that.
    await promises.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** As `writeProfile`, for a process that is about to end. */
export function writeProfileSync(path: string, data: Uint8Array): void {
  // Not the name above: the pool may still be writing that one.
  const temporary = `${path}.exit.tmp`;
  try {
    makeFolder(dirname(path));
    writeFileSync(temporary, data);
    renameSync(temporary, path);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // As above: the first error is the one to report.
    }
    throw error;
  }
}

/** The error as Node.js would have thrown it. */
export function errorOf({ errno, reason }: WriteFailure): Error {
  return Object.assign(new Error(reason), { code: errno > 0 ? getSystemErrorName(-errno) : undefined });
}

/** One sentence for a profile that could not be written, with what to do about it. */
export function writeFailure(path: string, error: unknown): string {
  return `cannot write profiles to ${path}: ${reasonOf(error)}. ${remedy(codeOf(error), path)} The program goes on.`;
}

function remedy(code: string | undefined, path: string): string {
  const elsewhere = 'name another place with DD_PROFILING_OUTPUT_PPROF=<prefix> or --output <dir>';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return `The disk is full: free space, or ${elsewhere}.`;
    case 'EROFS':
      return `The file system is read-only: ${elsewhere}.`;
    case 'EACCES':
    case 'EPERM':
      return `Give this user the right to write there, or ${elsewhere}.`;
    case 'ERR_ACCESS_DENIED':
      return `Start Node.js with ${flagsToWrite(path).join(' ')}, or ${elsewhere}.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `A part of the path is not a directory: ${elsewhere}.`;
    default:
      return `Check the path, or ${elsewhere}.`;
  }
}
