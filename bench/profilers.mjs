import { join } from 'node:path';
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
 * Who is measured: how each profiler is switched on in a process of its own (`preloads`), so that it writes files
 * (`environment`) or uploads (`uploading`, to the `server` of the delivery section), and the adapter for sections that
 * start and flush it by hand. One that lacks something is left out where that is measured; so is one that needs a newer
 * Node.js (`leastNode`).
 */
export const PROFILERS = {
  none: {
    title: 'no profiler',
    adapter: here('inside/profilers/none.cjs'),
    preloads: [],
    environment: () => ({}),
    uploading: () => ({}),
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
    uploading: ({ server, folder, periodSeconds }) => ({
      DD_PROFILING_ENABLED: 'true',
      DD_TRACE_AGENT_URL: server,
      DD_PROFILING_UPLOAD_INTERVAL: String(periodSeconds),
      EVERFLAME_SPOOL_DIR: join(folder, 'spool'),
    }),
  },
  datadog: peer('@datadog/pprof 5.20.0', 'datadog'),
  inspector: peer('inspector, 100 Hz', 'inspector'),
  'dd-trace': {
    title: 'dd-trace 6.21.0',
    leastNode: 22,
    preloads: [here('node_modules/dd-trace/init.js')],
    // Without a tracer it does not profile. Whatever else can be off is off, and of the profiler the heap, which not all
    // of the others profile.
    uploading: ({ server, periodSeconds }) => ({
      DD_PROFILING_ENABLED: 'true',
      DD_PROFILING_HEAP_ENABLED: 'false',
      DD_PROFILING_UPLOAD_PERIOD: String(periodSeconds),
      // The default of Node.js 24 and newer is another, and sizes are compared.
      DD_PROFILING_DEBUG_UPLOAD_COMPRESSION: 'gzip',
      DD_TRACE_AGENT_URL: server,
      DD_APM_TRACING_ENABLED: 'false',
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      DD_CRASHTRACKING_ENABLED: 'false',
    }),
  },
  pyroscope: {
    title: '@pyroscope/nodejs 0.6.4',
    preloads: [here('inside/profilers/pyroscope.cjs')],
    uploading: ({ server, periodSeconds }) => ({
      BENCH_SERVER: server,
      BENCH_PERIOD: String(periodSeconds),
    }),
  },
};
