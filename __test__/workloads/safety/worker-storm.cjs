/**
 * Starts and ends COUNT workers, BATCH at a time. Each makes code that is soon thrown away again, and garbage
 * in a heap with little room; half of them are terminated in the middle of it, the others end by themselves.
 * Prints one line of JSON at the end.
 */
const { readdirSync } = require('node:fs');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Runs a new function on one shape and then on others. It ends before V8 optimises it, so nothing is deoptimised. */
function meetShapes(round) {
  const read = new Function('object', `return object.value + ${round}`);
  let sum = 0;
  for (let turn = 0; turn < 300; turn++) sum += read({ value: turn });
  for (const object of [{ value: 'text' }, { other: 1, value: 2.5 }, { value: undefined, third: [] }]) {
    sum += String(read(object)).length;
  }
  return sum;
}

function storm(rounds) {
  let kept = [];
  for (let round = 0; round < rounds; round++) {
    meetShapes(round);
    kept = Array.from({ length: 2000 }, (_, index) => ({ index, round }));
    if (round % 8 === 0) globalThis.gc?.();
  }
  return kept.length;
}

async function batch(size, first) {
  await Promise.all(
    Array.from({ length: size }, (_, place) => {
      const endless = (first + place) % 2 === 0;
      const worker = new Worker(__filename, {
        workerData: { rounds: endless ? Number.POSITIVE_INFINITY : 2 },
        resourceLimits: { maxYoungGenerationSizeMb: 1 },
      });
      if (endless) worker.once('message', () => worker.terminate());
      return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    }),
  );
}

async function main(count, size) {
  const rss = [];
  let largest = 0;
  for (let done = 0; done < count; done += size) {
    await batch(Math.min(size, count - done), done);
    globalThis.gc?.();
    rss.push(process.memoryUsage.rss());
    largest = Math.max(largest, readdirSync('/proc/self/task').length);
  }
  // The profiler that the preload started.
  const counters = globalThis[Symbol.for('everflame.running')]?.metrics().counters;
  const { user, system } = process.cpuUsage();
  const threads = readdirSync('/proc/self/task').length;
  console.log(JSON.stringify({ count, cpuSeconds: (user + system) / 1e6, rss, threads, largest, counters }));
}

if (isMainThread) {
  main(Number(process.argv[2]), Number(process.argv[3]));
} else {
  parentPort.postMessage('at work');
  storm(workerData.rounds);
}
