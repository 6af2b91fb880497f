// Fills a profile, flushes it, and reports the longest time in which the event loop did not turn meanwhile.
const { setImmediate: nextTurn } = require('node:timers/promises');
const { waitedForCore } = require('./waited-for-core.cjs');
const { walk } = require('./wide-code.cjs');

/** Watched this long at the least, so that the variant without a profiler shows what the machine alone does. */
const LEAST_WATCH_MILLISECONDS = 300;

const [adapterPath, shape, rate, fillSeconds, cycles] = process.argv.slice(2);
const adapter = require(adapterPath);
let seed = 1;

function fill(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    if (shape === 'wide') seed = (seed * 48271) % 2147483647;
    walk(seed);
  }
}

async function watchFlush() {
  let settled = false;
  let longest = 0;
  const start = performance.now();
  let last = start;
  let lastWaited = waitedForCore();
  const flushed = adapter.flush().finally(() => {
    settled = true;
  });
  while (!settled || performance.now() - start < LEAST_WATCH_MILLISECONDS) {
    await nextTurn();
    const now = performance.now();
    const waited = waitedForCore();
    longest = Math.max(longest, now - last - (waited - lastWaited));
    last = now;
    lastWaited = waited;
  }
  return { blockMilliseconds: longest, bytes: (await flushed).length };
}

async function main() {
  await adapter.start({ rate: Number(rate), outputPrefix: process.env.BENCH_OUTPUT });
  // The first flush pays for code that was never run before.
  fill(500);
  await watchFlush();
  const flushes = [];
  for (let cycle = 0; cycle < Number(cycles); cycle += 1) {
    const end = performance.now() + Number(fillSeconds) * 1000;
    while (performance.now() < end) {
      fill(50);
      await nextTurn();
    }
    flushes.push(await watchFlush());
  }
  process.send(flushes, () => process.exit(0));
}

main();
