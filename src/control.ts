/**
 * `everflame/control`: switches profiling of this process on and off while it runs, whoever has started it.
 */
import type { Profile } from './engine';
import { Profiler, type ProfilerStatus, runningProfiler } from './profiler';
import { reportProfiler } from './run-report';

let last: Profiler | undefined;

/**
 * Switches profiling on, with the settings of the profiler that was switched off or asked for here last, else with those of the
 * environment.
 */
export function start(): ProfilerStatus {
  const running = runningProfiler();
  if (running) return running.status;
  last ??= new Profiler(undefined, 'preload');
  const started = last.start().status;
  reportProfiler(started);
  return started;
}

/** Switches profiling off, and resolves to the last profile; undefined where none ran. */
export function stop(): Promise<Profile | undefined> {
  last = runningProfiler() ?? last;
  return last?.stop() ?? Promise.resolve(undefined);
}

/** Ends the current period, and resolves to its profile; undefined where no profiler runs. */
export function flush(): Promise<Profile | undefined> {
  return runningProfiler()?.flush() ?? Promise.resolve(undefined);
}

/** Whether profiling is on, and how. */
export function status(): ProfilerStatus {
  last = runningProfiler() ?? last ?? new Profiler(undefined, 'preload');
  return last.status;
}
