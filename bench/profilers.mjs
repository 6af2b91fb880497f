import { fileURLToPath } from 'node:url';

function here(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}

const PEER_PRELOAD = here('inside/peer.cjs');

function peer(title, name) {
  return {
    title,
    adapter: here(`inside/profilers/${name}.cjs`),
    preloads: [PEER_PRELOAD],
    environment: ({ outputPrefix, periodSeconds }) => ({
      BENCH_ADAPTER: here(`inside/profilers/${name}.cjs`),
      BENCH_OUTPUT: outputPrefix,
      BENCH_PERIOD: String(periodSeconds),
    }),
  };
}

/**
 * Who is measured: how each profiler is switched on in a process of its own (`preloads`, `environment`), and
 * the adapter for sections that start and flush it by hand.
 */
export const PROFILERS = {
  none: {
    title: 'no profiler',
    adapter: here('inside/profilers/none.cjs'),
    preloads: [],
    environment: () => ({}),
  },
  everflame: {
    title: 'everflame',
    adapter: here('inside/profilers/everflame.cjs'),
    preloads: [here('../dist/src/auto.js')],
    environment: ({ outputPrefix, periodSeconds }) => ({
      DD_PROFILING_ENABLED: 'true',
      DD_PROFILING_OUTPUT_PPROF: outputPrefix,
      DD_PROFILING_UPLOAD_INTERVAL: String(periodSeconds),
    }),
  },
  datadog: peer('@datadog/pprof 5.20.0', 'datadog'),
  inspector: peer('inspector, 100 Hz', 'inspector'),
};
