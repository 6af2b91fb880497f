// Samples a loop below a known number of JavaScript frames, and reports the histogram of the handler's time meanwhile.
const { setImmediate: nextTurn } = require('node:timers/promises');
const { setFlagsFromString } = require('node:v8');
const { Profiler } = require('../../dist/index.js');
const { between } = require('./histogram.cjs');

const [rate, warmupSeconds, seconds, frames] = process.argv.slice(2).map(Number);

// An inlined call has no frame to walk.
setFlagsFromString('--no-turbo-inlining');
if (Number(process.versions.node.split('.')[0]) >= 22) setFlagsFromString('--no-maglev-inlining');

/** The JavaScript frames of the caller; those of functions that wait are in the text, and not on the stack. */
function framesHere() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = Infinity;
  const frames = new Error().stack.split('\n').slice(2);
  Error.stackTraceLimit = limit;
  return frames.filter((frame) => !frame.includes(' at async ')).length;
}

function burn() {
  let sum = 0;
  for (let round = 0; round < 1e5; round += 1) sum = (sum * 31 + round) % 65537;
  return sum;
}

function descend(depth) {
  return depth === 0 ? burn() : descend(depth - 1) + 1;
}

async function runFor(limitSeconds) {
  const end = performance.now() + limitSeconds * 1000;
  while (performance.now() < end) {
    // Of this function, `descend` once more than it is told, and `burn`.
    const depth = frames - framesHere() - 2;
    for (let call = 0; call < 100; call += 1) descend(depth);
    await nextTurn();
  }
}

async function main() {
  const profiler = new Profiler({ rate }).start();
  await runFor(warmupSeconds);
  const before = profiler.metrics().handler;
  await runFor(seconds);
  const { handler } = profiler.metrics();
  await profiler.stop();
  process.send(between(before, handler), () => process.exit(0));
}

main();
