// A busy event loop beside a profiler that uploads by itself. Notes how long the loop did not turn, and when, until it is
// told to finish; then rests, and reports. Preloaded with timed-preload.cjs.
const { preloadMilliseconds } = require('./timed-preload.cjs');
const { waitedForCore } = require('./waited-for-core.cjs');
const { walk } = require('./wide-code.cjs');

const [shape] = process.argv.slice(2);

/** What a turn of the loop works, in milliseconds: enough for the profile to be of it, and little beside a block. */
const WORK = 0.1;
/** One figure, the longest block that ended in it, is kept for so many milliseconds. */
const SLOT = 20;
/** The resident memory is read so many milliseconds after the last work. */
const REST = 1000;

/** The longest block in each slot since the program's first line, in milliseconds. */
const longest = [];
const begun = performance.now();
let seed = 1;
let isOver = false;

function work() {
  const end = performance.now() + WORK;
  do {
    if (shape === 'wide') seed = (seed * 48271) % 2147483647;
    walk(seed);
  } while (performance.now() < end);
}

let last = begun;
let lastWaited = waitedForCore();

function turn() {
  work();
  const now = performance.now();
  const waited = waitedForCore();
  const slot = Math.floor((now - begun) / SLOT);
  longest[slot] = Math.max(longest[slot] ?? 0, now - last - (waited - lastWaited));
  last = now;
  lastWaited = waited;
  if (!isOver) setImmediate(turn);
}

// The clock of the machine, which is the same in every process.
const begunOnMachine = Number(process.hrtime.bigint()) / 1e6;
process.send({ begun: begunOnMachine });
process.once('message', () => {
  isOver = true;
  setTimeout(() => {
    const residentBytes = process.memoryUsage.rss();
    // A slot in which the loop did not turn at all is part of a later block.
    const blocks = Array.from(longest, (block) => block ?? 0);
    process.send({ preloadMilliseconds, residentBytes, begun: begunOnMachine, slot: SLOT, blocks });
  }, REST);
});
setImmediate(turn);
