import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
// By its default alone: names beside it would have the compiler copy the whole module, at the program's start.
import workerThreads, { type Worker, type WorkerOptions } from 'node:worker_threads';
import { codeOf, messageOf } from '../log';

const PRELOAD = join(__dirname, 'preload.js');
/** Key of the data by which one worker learns its flags without ours; set while it is made. */
const EXEC_ARGV_KEY = 'everflame.execArgv';

type WorkerClass = typeof Worker;
type Construct = (options: WorkerOptions | undefined) => Worker;

/**
 * Makes workers created from now on load the preload that joins them to the profile.
 * `preloaded` says that the process itself was started with it: then only workers whose options cut that inheritance
 * need help, and all others are left exactly as they are. Returns a function that puts the original back.
 *
 * A program that took `Worker` out of the module before keeps the original.
 */
export function watchWorkers(preloaded: boolean): () => void {
  const original: WorkerClass = workerThreads.Worker;
  const watched: WorkerClass = new Proxy(original, {
    construct(target, args: [unknown, WorkerOptions?, ...unknown[]], newTarget) {
      const [file, options, ...rest] = args;
      const make: Construct = (changed) =>
        Reflect.construct(
          target,
          [file, changed, ...rest],
          newTarget === watched ? target : newTarget,
        ) as Worker;
      return needsPreload(options, preloaded) ? makeWithPreload(make, options) : make(options);
    },
  });
  replaceWorker(original, watched);
  return () => {
    // Frozen by the program since: what is there stays, and does no harm without a plan for workers.
    if (!Object.isFrozen(workerThreads)) replaceWorker(watched, original);
  };
}

/** Gives the worker the `process.execArgv` it would have had: our flag is not the program's business. */
export function restoreExecArgv(): void {
  const own = workerThreads.getEnvironmentData(EXEC_ARGV_KEY) as string[] | undefined;
  if (!own) return;
  process.execArgv.splice(0, Infinity, ...own);
  setExecArgv(undefined);
}

function setExecArgv(execArgv: readonly string[] | undefined): void {
  workerThreads.setEnvironmentData(EXEC_ARGV_KEY, execArgv as unknown as string);
}

function replaceWorker(from: WorkerClass, to: WorkerClass): void {
  // Somebody else has put their own class there since: it stays.
  if (workerThreads.Worker !== from) return;
  workerThreads.Worker = to;
  to.prototype.constructor = to;
  syncBuiltinESMExports();
}

function needsPreload(options: WorkerOptions | undefined, preloaded: boolean): boolean {
  if (options === undefined) return !preloaded;
  // Whatever is wrong with the options is for Node.js to say.
  if (typeof options !== 'object' || options === null) return false;
  if (options.execArgv !== undefined && !isFlags(options.execArgv)) return false;
  const inherits =
    options.execArgv === undefined && (options.env === undefined || options.env === workerThreads.SHARE_ENV);
  return !(preloaded && inherits);
}

function isFlags(execArgv: unknown): boolean {
  return Array.isArray(execArgv) && execArgv.every((flag) => typeof flag === 'string');
}

/**
 * Makes the worker with our flag before its own. Without `execArgv` a worker has the flags of its process; naming them
 * means the same, except that Node.js refuses those that concern the whole process. They hold in every thread anyway.
 */
function makeWithPreload(make: Construct, options: WorkerOptions | undefined): Worker {
  const own = options?.execArgv ?? process.execArgv;
  // With what the options inherit, as Node.js reads them.
  const withFlags = (execArgv: readonly string[]): WorkerOptions =>
    Object.create(options ?? null, {
      execArgv: { value: ['--require', PRELOAD, ...execArgv], enumerable: true },
    }) as WorkerOptions;
  const unlessRefused = (execArgv: readonly string[], otherwise: (refusal: unknown) => Worker): Worker => {
    try {
      return make(withFlags(execArgv));
    } catch (error) {
      if (codeOf(error) !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error;
      return otherwise(error);
    }
  };
  setExecArgv(own);
  try {
    return unlessRefused(own, (refusal) => {
      // What the program itself names wrongly is for Node.js to refuse.
      if (options?.execArgv !== undefined) return make(options);
      const refused = refusedFlags(refusal);
      return unlessRefused(
        own.filter((flag) => !refused.has(flag)),
        // The worker runs in any case: where no form with our flag is accepted, it is made as the program asked.
        () => make(options),
      );
    });
  } finally {
    setExecArgv(undefined);
  }
}

/** The flags that Node.js lists at the end of its message. */
function refusedFlags(refusal: unknown): Set<string> {
  const list = /flags: (.*)$/s.exec(messageOf(refusal))?.[1] ?? '';
  return new Set(list.split(', '));
}
