import { join } from 'node:path';
// By its default alone, as in `watch.ts`.
import workerThreads, { type Worker, type WorkerOptions } from 'node:worker_threads';
import { codeOf, messageOf } from '../log';

const PRELOAD = join(__dirname, 'preload.js');
/** Key of the data by which one worker learns its flags without ours; set while it is made. */
const EXEC_ARGV_KEY = 'everflame.execArgv';

/** Makes a worker of the program's with these options. */
export type Construct = (options: WorkerOptions | undefined) => Worker;

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

/**
 * Makes the worker with our flag before its own. Without `execArgv` a worker has the flags of its process; naming them
 * means the same, except that Node.js refuses those that concern the whole process. They hold in every thread anyway.
 */
export function makeWithPreload(make: Construct, options: WorkerOptions | undefined): Worker {
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
