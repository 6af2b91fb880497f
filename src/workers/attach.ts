import { getEnvironmentData, threadId } from 'node:worker_threads';
import { threadName } from '../engine';
import { Logger, reasonOf } from '../log';
import { ENVIRONMENT_KEY, type WorkerPlan, watchWorkers } from './watch';

let attached = false;

/**
 * Joins this worker to the profile of its process, as the main thread planned it. Does nothing the second time. Returns whether it
 * takes part.
 */
export function attachWorker(): boolean {
  const plan = getEnvironmentData(ENVIRONMENT_KEY) as WorkerPlan | undefined;
  if (attached || !plan) return attached;
  attached = true;
  const attempt = (loss: string, change: () => void): void => {
    try {
      change();
    } catch (error) {
      const reason = reasonOf(error);
      new Logger(plan.logLevel).warn(
        `the worker thread ${threadId} ${loss}: ${reason}. The program goes on.`,
      );
    }
  };
  attempt('is not profiled', () => join(plan));
  attempt('does not join workers of its own to the profile', () => watchWorkers(plan.preloaded));
  return attached;
}

function join(plan: WorkerPlan): void {
  if (plan.engine === 'inspector') {
    const { collectInWorker } = require('../inspector/worker') as typeof import('../inspector/worker');
    collectInWorker(plan.intervalNanoseconds);
    return;
  }
  const { loadNative } = require('../native') as typeof import('../native');
  const loaded = loadNative();
  if (!loaded.ok) throw new Error(loaded.reason);
  if (loaded.binding.status().running) loaded.binding.attachThread(threadId, threadName(threadId));
}
