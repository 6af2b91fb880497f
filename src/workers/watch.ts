import { syncBuiltinESMExports } from 'node:module';
// By its default alone: names beside it would have the compiler copy the whole module, at the program's start.
import workerThreads, { type Worker, type WorkerOptions } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';
import type { Construct } from './make';

/** Key of the data that Node.js copies into each worker made later. */
export const ENVIRONMENT_KEY = 'everflame';

/** What a worker has to know to join the profile. */
export interface WorkerPlan {
  engine: 'native' | 'inspector';
  intervalNanoseconds: number;
  logLevel: LogLevel;
  /** Whether workers load the preload by themselves, because the process was started with it. */
  preloaded: boolean;
}

/** Leaves the plan for workers made from now on; undefined takes it back. */
export function planWorkers(plan: WorkerPlan | undefined): void {
  // Typed as any value that can be cloned; undefined removes the key.
  workerThreads.setEnvironmentData(ENVIRONMENT_KEY, plan as unknown as string);
}

type WorkerClass = typeof Worker;

/** The class as it was when this file was loaded: for a worker of our own, which is not to join by itself. */
export const UnwatchedWorker: WorkerClass = workerThreads.Worker;

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
      return needsPreload(options, preloaded) ? maker()(make, options) : make(options);
    },
  });
  replaceWorker(original, watched);
  return () => {
    // Frozen by the program since: what is there stays, and does no harm without a plan for workers.
    if (!Object.isFrozen(workerThreads)) replaceWorker(watched, original);
  };
}

/** Loaded with the first worker that needs it. Where the program lets no file be read by then, workers are as it made them. */
function maker(): (make: Construct, options: WorkerOptions | undefined) => Worker {
  try {
    return (require('./make') as typeof import('./make')).makeWithPreload;
  } catch {
    return (make, options) => make(options);
  }
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
