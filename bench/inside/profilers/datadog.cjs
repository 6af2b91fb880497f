// Wall and CPU time at 99 Hz with time-stamped samples: the options and the labels of the vendor's own tracer, without
// the cost of span contexts, which the tracer adds.
const { promisify } = require('node:util');
const { gzip } = require('node:zlib');
const { threadId } = require('node:worker_threads');
const { time } = require('@datadog/pprof');

const compress = promisify(gzip);
const THREAD = {
  'thread name': threadId === 0 ? 'Main Event Loop' : `Worker #${threadId} Event Loop`,
  'thread id': String(threadId),
};
const OTHER_THREADS = { 'thread name': time.constants.NON_JS_THREADS_FUNCTION_NAME };

function labels({ node, context }) {
  if (node.name === time.constants.NON_JS_THREADS_FUNCTION_NAME) return OTHER_THREADS;
  return context == null ? THREAD : { ...THREAD, end_timestamp_ns: context.timestamp * 1000n };
}

exports.start = ({ rate = 99 }) => {
  time.start({
    intervalMicros: Math.round(1e6 / rate),
    durationMillis: Number(process.env.BENCH_PERIOD ?? 60) * 1000,
    lineNumbers: false,
    columnNumbers: 'emit',
    withContexts: true,
    collectCpuTime: true,
    workaroundV8Bug: true,
  });
};

exports.flush = async () => {
  const profile = time.stop(true, labels, ['thread name', 'thread id']);
  return compress(Buffer.from(await profile.encodeAsync()));
};
