import type { EngineMetrics } from '../engine';
import { loadNative } from '../native';

/** The profiler's own figures for receivers: each counter, and how long its signal handler took. */
export function internalFigures({ counters, handler }: EngineMetrics): Record<string, number> {
  const all = handler.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return counters;
  return {
    ...counters,
    handler_p50_nanoseconds: quantile(handler, all * 0.5),
    handler_p99_nanoseconds: quantile(handler, all * 0.99),
  };
}

/** The same of the native sampler of this process, from any thread. */
export function samplerFigures(): Record<string, number> {
  const loaded = loadNative();
  return loaded.ok ? internalFigures(loaded.binding.metrics()) : {};
}

/** The lower bound of the step in which so many of the shortest are reached. */
function quantile(steps: EngineMetrics['handler'], rank: number): number {
  let seen = 0;
  for (const { nanoseconds, count } of steps) {
    seen += count;
    if (seen >= rank) return nanoseconds;
  }
  return steps.at(-1)?.nanoseconds ?? 0;
}
