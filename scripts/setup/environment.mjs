/**
 * The environment without the settings of the caller's shell that would decide what a profiled program does: a demo or
 * a benchmark is to show the same on every desk.
 */
export function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(DD_|EVERFLAME_|BENCH_|NAPI_RS_|NODE_OPTIONS$|NODE_V8_COVERAGE$)/.test(name),
    ),
  );
}
