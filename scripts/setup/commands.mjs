import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The service that the demo, the benchmarks and some tests profile. */
export const EXAMPLE = join(ROOT, 'examples', 'getting-started');
/** The benchmarks, whose dependencies are also the peers that some tests run beside us. */
export const BENCH = join(ROOT, 'bench');

/** A problem whose message tells the reader what to do; shown without a stack trace. */
export class Advice extends Error {}

/** How long a script may take to end what it has started: it kills, which takes no time. */
const SCRIPT_LIMIT_SECONDS = 10;

/** What runs beside others compiles and tests on one core: the caches and the disk have no priorities. */
const ONE_CORE = { CARGO_BUILD_JOBS: '1', RUST_TEST_THREADS: '1' };

/** How soon a script learns that whoever started it is gone. */
const ORPHAN_MILLISECONDS = 500;

/** What ends what runs. */
const guards = new Set();
/** The leaders of the process groups that run, for an end of this script that no signal announces. */
const leaders = new Set();
/** Whether this script was told to end: from then on nothing is started, and nothing that ends is news. */
let ending = false;

/**
 * Has something done when this script is told to end: children in groups of their own do not get an interrupt from the
 * terminal. Returns the function that ends this care.
 * @param {(code: number) => number | void | Promise<number | void>} end is told the exit code that stands for the signal, and may
 *   name another
 */
export function guard(end) {
  guards.add(end);
  return () => guards.delete(end);
}

/** Has a process group killed when this script ends, however that is. Returns the function that ends this care. */
export function killAtExit(leader) {
  leaders.add(leader);
  return () => leaders.delete(leader);
}

process.on('exit', () => leaders.forEach(endGroup));

/** Both of it for the group of a program, which is killed unless another end is given. */
export function guardGroup(leader, end = () => endGroup(leader)) {
  const unguard = guard(end);
  const spare = killAtExit(leader);
  return () => {
    unguard();
    spare();
  };
}

/** Kills whatever still runs in a process group. That there is nothing is no error. */
export function endGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Ends a script of this repository. It runs programs in groups of their own that no other process knows: so it is told
 * to end, as below, and killed only where it does not.
 */
async function endScript(child) {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(SCRIPT_LIMIT_SECONDS * 1000, undefined, { ref: false })]);
  }
  endGroup(child.pid);
}

async function endAll(code) {
  // Not twice: this script would end before what it waits for.
  if (ending) return;
  ending = true;
  const codes = await Promise.all([...guards].map((end) => end(code)));
  process.exit(codes.find((other) => other !== undefined) ?? code);
}

for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.on(signal, () => endAll(128 + number));
}
// Whoever read what this script writes is gone: a pipe that was closed, or a terminal.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => endAll(1));

/**
 * npm passes signals on to the shell that it runs a script in, which ends and tells nobody; and who is killed tells
 * nobody either. Both show in that this script has another parent. One that was started by hand may outlive its shell.
 */
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) endAll(128 + 15);
  }, ORPHAN_MILLISECONDS).unref();
}

/**
 * Runs a program to its end and keeps what it wrote: `output` has both streams in the order of arrival, for a reader;
 * `stdout` is for what is read by a program, which a warning on the other stream would break.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutSeconds?: number, isScript?: boolean, isAside?: boolean }} [options]
 *   `isScript` is for those that run programs by this module themselves, `isAside` for what is to take the time that others leave
 * @returns {Promise<{ code: number | null, signal: string | null, output: string, stdout: string, missing: boolean }>}
 */
export function run(command, args, options = {}) {
  const { cwd = ROOT, env = {}, timeoutSeconds, isScript = false, isAside = false } = options;
  return new Promise((settle, reject) => {
    // Left open: what would go on with the result is to end too.
    if (ending) return;
    // A group of its own: at a time-out the children of the program end with it.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env, ...(isAside ? ONE_CORE : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // Before it has started anything itself: what it starts has the priority that it has.
    if (isAside && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    const end = () => (isScript ? endScript(child) : endGroup(child.pid));
    const unguard = child.pid === undefined ? () => {} : guardGroup(child.pid, end);
    let output = '';
    let stdout = '';
    const timer =
      timeoutSeconds &&
      setTimeout(() => {
        output += `\n${[command, ...args].join(' ')} was stopped after its limit of ${timeoutSeconds} s.\n`;
        end();
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
      if (error.code === 'ENOENT') settle({ code: null, signal: null, output, stdout, missing: true });
      else reject(error);
    });
    // What the program leaves behind would keep its output open, and us waiting.
    child.on('exit', () => endGroup(child.pid));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      unguard();
      if (!ending) settle({ code, signal, output, stdout, missing: false });
    });
  });
}

/** Runs a script of this repository, named from `scripts/`, as {@link run} does. */
export function runScript(file, args = [], options = {}) {
  return run(process.execPath, [resolve(ROOT, 'scripts', file), ...args], { ...options, isScript: true });
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
