import {
  linkSync,
  promises,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
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
export function profilePath(prefix: string, sequence: number, pid = process.pid): string {
  return `${prefix}.${pid}.${sequence}${SUFFIX}`;
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

/**
 * Writes a profile under a temporary name and then gives it its own, so that a reader never meets half a file. Where that is
 * taken, by the process of the same number in another container, it is the next one that is free. `mode` is as in open(2).
 */
export async function writeProfile(
  path: string,
  data: Uint8Array,
  mode?: number,
  temporary = temporaryName(path),
): Promise<void> {
  const own = { ...NEW, mode };
  try {
    await promises.writeFile(temporary, data, own).catch((error: unknown) => {
      // Somebody has removed the folder since the start.
      if (codeOf(error) !== 'ENOENT') throw error;
      makeFolder(dirname(path));
      return promises.writeFile(temporary, data, own);
    });
    for (const name of names(path)) {
      if (await takeName(temporary, name, data)) return;
    }
  } catch (error) {
    // The write is what failed; a leftover that cannot be removed either adds nothing to that.
    await promises.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** As `writeProfile`, for a process that is about to end. */
export function writeProfileSync(path: string, data: Uint8Array, mode?: number): void {
  const temporary = temporaryName(path);
  try {
    makeFolder(dirname(path));
    writeFileSync(temporary, data, { ...NEW, mode });
    for (const name of names(path)) {
      if (takeNameSync(temporary, name, data)) return;
    }
  } catch (error) {
    removeSync(temporary);
    throw error;
  }
}

/** Removes what a `writeProfile` that is not over has left. For a process that is about to end. */
export function removeSync(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // There is another trouble than this, or will be.
  }
}

/** Not a name that the native sampler writes to, nor a process of the same number. */
export function temporaryName(path: string): string {
  // The numbers of Math.random() are the program's.
  return `${path}.${process.hrtime.bigint().toString(36)}.tmp`;
}

/** Of a profile in a folder that nobody has named: names of functions and endpoints are its user's alone. */
export const INBOX_MODE = 0o600;

/** A file that is there already is another's. */
const NEW = { flag: 'wx' } as const;

/** How many numbers others have taken, as far as this process has met them; by what stands before the number. */
const taken = new Map<string, number>();

/** The names that a profile may have, the best first. */
function* names(path: string): Generator<string> {
  const [end = '', number = ''] = /(\d+)\.wall\.pprof$/.exec(path) ?? [];
  const start = path.slice(0, path.length - end.length);
  while (end !== '') {
    const met = taken.get(start) ?? 0;
    yield `${start}${Number(number) + met}${SUFFIX}`;
    taken.set(start, met + 1);
  }
  yield path;
  throw new Error(`${path} is there already, and has no number`);
}

/** Gives a file a name that nobody has. False where somebody has it; where it is this very profile, there is nothing to do. */
async function takeName(temporary: string, name: string, data: Uint8Array): Promise<boolean> {
  try {
    await promises.link(temporary, name);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return replaceNew(temporary, name);
    if (!(await promises.stat(name).then(({ size }) => size === data.length, isNone))) return false;
    if (!(await promises.readFile(name).then((found) => found.equals(data), isNone))) return false;
  }
  await promises.rm(temporary);
  return true;
}

/**
 * Where no file may have a second name, by its file system or the permission model: an empty file takes the name, and is
 * replaced.
 */
async function replaceNew(temporary: string, name: string): Promise<boolean> {
  try {
    await promises.writeFile(name, '', NEW);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  await promises.rename(temporary, name);
  return true;
}

function takeNameSync(temporary: string, name: string, data: Uint8Array): boolean {
  try {
    linkSync(temporary, name);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return replaceNewSync(temporary, name);
    if (!holds(name, data)) return false;
  }
  rmSync(temporary);
  return true;
}

function replaceNewSync(temporary: string, name: string): boolean {
  try {
    writeFileSync(name, '', NEW);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  renameSync(temporary, name);
  return true;
}

function holds(path: string, data: Uint8Array): boolean {
  try {
    return statSync(path).size === data.length && readFileSync(path).equals(data);
  } catch {
    return isNone();
  }
}

/** What cannot be read is another's. */
const isNone = (): boolean => false;

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
