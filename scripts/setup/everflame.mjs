import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mustRun, ROOT } from './commands.mjs';

const BUILT = join(ROOT, 'dist', 'src');

/** The command line as it was built in this checkout. */
export const EVERFLAME = join(BUILT, 'cli', 'main.js');

/** A module of Everflame as it was built in this checkout, named from `src/`. */
export function fromDist(file) {
  return import(pathToFileURL(join(BUILT, file)).href);
}

/** What an `everflame` command prints on standard output. */
export async function everflame(...args) {
  const { stdout } = await mustRun(process.execPath, [EVERFLAME, ...args], { timeoutSeconds: 60 });
  return stdout.trimEnd();
}

/**
 * The CPU time of profiles by function.
 * @returns {Promise<{ total: number, rows: { name: string, location: string, self: number, total: number }[] }>} in nanoseconds
 */
export async function cpuByFunction(files) {
  return JSON.parse(await everflame('top', ...files, '--json', '--type', 'cpu'));
}
