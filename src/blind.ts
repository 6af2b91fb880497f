/** What is said when sampling ceased for want of a signal. */
export const BLIND =
  'for some time no samples could be taken: the program, or another profiler in it, held every signal that the sampler can use. What ran then is "(not sampled)". Free one of the signals, or choose another engine than itimer, which needs SIGPROF.';
