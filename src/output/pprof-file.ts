import { promises, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf, reasonOf } from '../log';
import { makeFolder } from './folder';

const SUFFIX = '.wall.pprof';

/**
 * Path of one profile: `<prefix>.<pid>.<sequence>.wall.pprof`. Process number and counter keep the files of
 * one run apart; the native sampler uses the same scheme for the file it writes when a signal ends the process.
 */
export function profilePath(prefix: string, sequence: number): string {
  return `${prefix}.${process.pid}.${sequence}${SUFFIX}`;
}

/**
 * The files of one process number that are there, from the number `first` on: also those that the native sampler wrote
 * when a signal ended the process.
 */
export function profilesOf(pid: number, prefix: string, first = 0): string[] {
  const folder = dirname(prefix);
  try {
    return readdirSync(folder)
      .filter((name) => (sequenceOf(name, pid, prefix) ?? -1) >= first)
      .map((name) => join(folder, name));
  } catch {
    // The folder was never made, which the process itself has reported or will.
    return [];
  }
}

/** The number in the name of a file; undefined where it is no profile of this process number and prefix. */
function sequenceOf(name: string, pid: number, prefix: string): number | undefined {
  const start = `${basename(prefix)}.${pid}.`;
  if (!name.startsWith(start) || !name.endsWith(SUFFIX)) return undefined;
  const number = name.slice(start.length, -SUFFIX.length);
  return /^\d+$/.test(number) ? Number(number) : undefined;
}

/**
 * The first number of which no file of this process number and prefix exists: each run of a container begins with the same
 * process number. As `next_sequence` of the native sampler.
 */
export function nextSequence(prefix: string): number {
  const numbers = profilesOf(process.pid, prefix).map((path) =>
    sequenceOf(basename(path), process.pid, prefix),
  );
  return numbers.reduce<number>((next, number) => Math.max(next, (number ?? 0) + 1), 0);
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
      return `Start Node.js with --allow-fs-write=${join(dirname(path), '*')}, or ${elsewhere}.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `A part of the path is not a directory: ${elsewhere}.`;
    default:
      return `Check the path, or ${elsewhere}.`;
  }
}
