/**
 * `everflame/auto`, for `node --require` and `node --import`: starts the profiler before the program, and joins worker
 * threads to it. Whatever goes wrong here ends in a log line; the program starts in any case.
 *
 * Node.js 12 is to parse this file, so nothing in it is newer than ES2019: no `?.`, no `??`.
 */
let isToggled = false;

if (Number.parseInt(process.versions.node, 10) < 20) require('./old-node');
else if (!isOwnCommand()) startProfiler();

/** The command `everflame` is not profiled where the environment preloads the profiler: what it starts by `run` is. */
function isOwnCommand(): boolean {
  if (process.argv[1] === undefined) return false;
  try {
    const { realpathSync } = require('node:fs') as typeof import('node:fs');
    const { join } = require('node:path') as typeof import('node:path');
    return realpathSync(process.argv[1]) === join(__dirname, 'cli', 'main.js');
  } catch {
    return false;
  }
}

/**
 * Starts the profiler with the settings of the environment, unless one runs or the environment switches profiling off; in a
 * worker thread, joins it to the profile of its process. For a process that nothing has preloaded; to load this file is enough, and
 * a second call does nothing. Returns whether this thread is profiled as far as is known. Throws nothing.
 */
export function startProfiler(): boolean {
  try {
    // Not above: where the program has frozen `process`, this throws.
    const { isMainThread } = require('node:worker_threads') as typeof import('node:worker_threads');
    // Each thread loads no more than it needs: this is the program's starting time.
    if (isMainThread) return startInProcess();
    return (require('./workers/attach') as typeof import('./workers/attach')).attachWorker();
  } catch (error) {
    sayUnloaded(error);
    return false;
  }
}

function startInProcess(): boolean {
  const { readSetting } = require('./config/resolve') as typeof import('./config/resolve');
  const signal = readSetting('toggleSignal', process.env);
  if (signal !== 'off' && !isToggled) {
    isToggled = true;
    const { toggleBy } = require('./toggle') as typeof import('./toggle');
    const { Logger } = require('./log') as typeof import('./log');
    toggleBy(signal.toUpperCase() as NodeJS.Signals, new Logger(readSetting('logLevel', process.env)));
  }
  // What is wrong with a setting is for the profiler to say, which reads them all.
  if (!readSetting('enabled', process.env)) return false;
  const { Profiler, runningProfiler } = require('./profiler') as typeof import('./profiler');
  if (runningProfiler()) return true;
  const { reportProfiler, reportToRun } = require('./run-report') as typeof import('./run-report');
  try {
    const { status } = new Profiler(undefined, 'preload').start();
    reportProfiler(status);
    return status.running;
  } catch (error) {
    const { Logger, reasonOf } = require('./log') as typeof import('./log');
    const reason = reasonOf(error);
    new Logger(readSetting('logLevel', process.env)).error(`${reason}. The program runs without a profiler.`);
    reportToRun({ kind: 'failed', pid: process.pid, reason });
    return false;
  }
}

/** Says that the profiler's own files cannot be used, or the environment: so with neither. */
function sayUnloaded(error: unknown): void {
  const { join } = require('node:path') as typeof import('node:path');
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  // As `packagesRoot`, whose file may not be read either.
  const packages = join(__dirname, '..', '..').replace(/(?<=[\\/]node_modules)[\\/].*$/s, '');
  const remedy =
    code === 'ERR_ACCESS_DENIED'
      ? `Start Node.js with --allow-addons --allow-fs-read=${join(packages, '*')} and, for the profiles in <dir>, --allow-fs-read=<dir>/* --allow-fs-write=<dir>/*.`
      : 'Preload it before anything else, or install it again.';
  try {
    const reason = String(message === undefined ? error : message).replace(/[.\s]+$/, '');
    (require('node:fs') as typeof import('node:fs')).writeSync(
      2,
      `everflame: error: the profiler cannot be loaded: ${reason}. ${remedy} The program runs without a profiler.\n`,
    );
  } catch {
    // Standard error is closed or full: there is no other place to say so.
  }
}
