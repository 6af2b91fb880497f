import { basename, join } from 'node:path';
import { SEED_FILE, type Seed } from './seed';
import { readPlain } from './spool-file';

/** Most bytes of a seed: the environment of a process has no more (execve(2), 128 KiB for each variable). */
const MOST_BYTES = 8 * 1024 * 1024;

/** The seed in a folder; undefined where there is none that can be read. */
export function seedIn(folder: string): Seed | undefined {
  return readSeed(join(folder, SEED_FILE), basename(folder));
}

/** The seed in a file, if it is of the process with this runtime id; undefined where there is none that can be read. */
export function readSeed(path: string, runtimeId: string): Seed | undefined {
  try {
    const seed: unknown = JSON.parse(readPlain(path, MOST_BYTES).toString());
    return isSeed(seed) && seed.runtimeId === runtimeId ? seed : undefined;
  } catch {
    return undefined;
  }
}

function isSeed(value: unknown): value is Seed {
  const seed = Object(value) as Record<keyof Seed, unknown>;
  const texts = [seed.runtimeId, seed.workingDirectory, seed.startTime, seed.nodeVersion];
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isSafeInteger(seed.pid) &&
    (seed.activation === 'auto' || seed.activation === 'manual') &&
    Array.isArray(seed.exporters) &&
    isObject(seed.options) &&
    isObject(seed.settings) &&
    isObject(seed.environment) &&
    Object.values(seed.environment).every((text) => typeof text === 'string') &&
    (seed.isOpen === undefined || typeof seed.isOpen === 'boolean') &&
    [seed.script, seed.outputPrefix, seed.namespace].every(isTextOrNone)
  );
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
