import type { SourceMapFailure } from './engine';

/** What is said when sampling ceased for want of a signal. */
export const BLIND =
  'for some time no samples could be taken: the program, or another profiler in it, held every signal that the sampler can use. What ran then is "(not sampled)". Free one of the signals, or choose another engine than itimer, which needs SIGPROF.';

/** What is said of a source map that cannot be used. */
export function brokenMap({ script, map, reason }: SourceMapFailure): string {
  const which = map === 'inline' ? 'in its text' : map;
  return `the source map of ${script} (${which}) cannot be used: ${reason}. Its frames stand in generated code. Build it again, or switch source maps off with DD_PROFILING_SOURCE_MAP=0.`;
}
