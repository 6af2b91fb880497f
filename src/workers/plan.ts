import { setEnvironmentData } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';

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
  setEnvironmentData(ENVIRONMENT_KEY, plan as unknown as string);
}
