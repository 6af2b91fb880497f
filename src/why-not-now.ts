import type { ProfilerOptions } from './config/resolve';

/** What is known of a profiler that is to be started while there is one, or on a thread that starts none. */
interface Found {
  isMainThread: boolean;
  /** The one that is there is the one to be started. */
  isOwn: boolean;
  isStopping: boolean;
  isRunning: boolean;
  /** Every kind of profile is switched off. */
  isEmpty: boolean;
  options: ProfilerOptions;
}

/** One sentence that says why a profiler is not started now. */
export function whyNotNow({ isMainThread, isOwn, isStopping, isRunning, isEmpty, options }: Found): string {
  if (!isMainThread) {
    return 'a profiler is started on the main thread of a process and sees its worker threads; this one is not started.';
  }
  if (isEmpty) {
    const { isOffByList } = require('./config/profilers') as typeof import('./config/profilers');
    return isOffByList(options, process.env)
      ? 'wall time and CPU time are both switched off by DD_PROFILING_PROFILERS, so nothing is profiled. Add wall to it, or unset it.'
      : 'wall time and CPU time are both switched off, so nothing is profiled. Set DD_PROFILING_WALLTIME_ENABLED or DD_PROFILING_CPU_ENABLED to true.';
  }
  if (isStopping) {
    const which = isOwn ? 'this profiler is stopping; it' : 'another profiler is stopping; this one';
    return `${which} is not started. Await the promise of stop() first.`;
  }
  if (isRunning) return 'this profiler is running already; it goes on.';
  return 'another profiler is running in this process and goes on; this one is not started. Stop the other first.';
}
