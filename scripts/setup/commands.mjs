import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The service that the demo, the benchmarks and some tests profile. */
export const EXAMPLE = join(ROOT, 'examples', 'getting-started');
/** The benchmarks, whose dependencies are also the peers that some tests run beside us. */
export const BENCH = join(ROOT, 'bench');

/** A problem whose message tells the reader what to do; shown without a stack trace. */
export class Advice extends Error {}

const groups = new Set();

/**
 * Has a process group killed when this script is interrupted; children in groups of their own do not get an
 * interrupt from the terminal. Returns the function that ends this care.
 */
export function guardGroup(leader) {
  groups.add(leader);
  return () => groups.delete(leader);
}

/** Kills whatever still runs in a process group. That there is nothing is no error. */
export function endGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => {
    groups.forEach(endGroup);
    process.exit(128 + number);
  });
}

/**
 * Runs a program to its end and keeps what it wrote: `output` has both streams in the order of arrival, for a reader;
 * `stdout` is for what is read by a program, which a warning on the other stream would break.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutSeconds?: number }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, output: string, stdout: string, missing: boolean }>}
 */
export function run(command, args, options = {}) {
  const { cwd = ROOT, env = {}, timeoutSeconds } = options;
  return new Promise((resolve, reject) => {
    // A group of its own: at a time-out the children of the program end with it.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const unguard = child.pid === undefined ? () => {} : guardGroup(child.pid);
    let output = '';
    let stdout = '';
    const timer =
      timeoutSeconds &&
      setTimeout(() => {
        output += `\n${command} was stopped after its limit of ${timeoutSeconds} s.\n`;
        endGroup(child.pid);
      }, timeoutSeconds * 1000);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      if (error.code === 'ENOENT') resolve({ code: null, signal: null, output, stdout, missing: true });
      else reject(error);
    });
    // What the program leaves behind would keep its output open, and us waiting.
    child.on('exit', () => endGroup(child.pid));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      unguard();
      resolve({ code, signal, output, stdout, missing: false });
    });
  });
}

/** As {@link run}, but anything except exit code 0 is an error that carries the whole output. */
export async function mustRun(command, args, options) {
  const result = await run(command, args, options);
  if (result.missing) throw new Advice(`${command} was not found. Install it and put it on the PATH.`);
  if (result.code === 0) return result;
  const end = result.signal === null ? `exit code ${result.code}` : result.signal;
  throw new Advice(`${result.output}\n${[command, ...args].join(' ')} ended with ${end}.`);
}

/** A problem with the command line as `parseArgs` reports it: a wrong option, or a value too many. */
function isUsageError(error) {
  return error instanceof Error && /^ERR_PARSE_ARGS_/.test(error.code);
}

/**
 * Runs a script's main function. An {@link Advice} is printed as its message alone, and a mistake on the command line as
 * its message and `help`.
 */
export async function main(body, help = '') {
  try {
    await body();
  } catch (error) {
    if (isUsageError(error)) console.error(`${error.message}\n\n${help}`.trimEnd());
    else console.error(error instanceof Advice ? error.message : error);
    process.exitCode = 1;
  }
}
