// One engine over a fixed amount of work; prints what it cost and what its profile says. `none` is the work alone.
const { openSync, readSync } = require('node:fs');
const { gunzipSync } = require('node:zlib');
const { Profile } = require('pprof-format');
const native = require('../../native');
const { between, leastSum, quantile } = require('./histogram.cjs');

const [engine, rate, work] = process.argv.slice(2);

const zeros = openSync('/dev/zero', 'r');
const buffer = Buffer.alloc(64 * 1024);

function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

const WORK = {
  user: () => fibonacci(24),
  kernel: () => {
    for (let i = 0; i < 100; i += 1) readSync(zeros, buffer, 0, buffer.length, 0);
  },
};

function cpuMilliseconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function measure() {
  const before = cpuMilliseconds();
  for (let i = 0; i < 3000; i += 1) WORK[work]();
  return cpuMilliseconds() - before;
}

function totalCpu(profile) {
  const { sample } = Profile.decode(gunzipSync(profile.data));
  return sample.reduce((sum, { value }) => sum + Number(value[2]), 0) / 1e6;
}

async function main() {
  for (let i = 0; i < 100; i += 1) WORK[work]();
  if (engine === 'none') return { cpu: measure() };
  native.start({
    engine,
    intervalNanoseconds: Math.round(1e9 / Number(rate)),
    maxFrames: 512,
    timeline: true,
    nativeFrames: true,
    memoryCapBytes: 64 * 1024 * 1024,
  });
  native.attachThread(0, 'Main Event Loop');
  // The first period has the symbol tables to read.
  await native.flush('gzip');
  const start = native.metrics();
  const usageBefore = cpuMilliseconds();
  const cpu = measure();
  const profile = native.flushSync('gzip', 5000);
  const usage = cpuMilliseconds() - usageBefore;
  const end = native.metrics();
  const counted = (name) => end.counters[name] - start.counters[name];
  const handler = between(start.handler, end.handler);
  return {
    cpu,
    samples: counted('samples'),
    observer: counted('observer_cpu_nanoseconds') / 1e6,
    aggregator: counted('aggregator_cpu_nanoseconds') / 1e6,
    handler: leastSum(handler) / 1e6,
    error: totalCpu(profile) / usage - 1,
    p50: quantile(handler, 0.5),
    p99: quantile(handler, 0.99),
  };
}

main().then((result) => {
  console.log(JSON.stringify(result));
  process.exit();
});
