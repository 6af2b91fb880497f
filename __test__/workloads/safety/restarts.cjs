/**
 * Starts and stops the profiler again and again while workers come and go. Arguments: the package, how often, the folder
 * for one profile of each time, and what the main thread uses in it, in milliseconds of CPU time. Prints one line of JSON at the end.
 */
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { burnCpu } = require('../laws/lib/burn.js');
const { ownCpu } = require('../laws/lib/clock.js');

const { Profiler } = require(process.argv[2]);
const rounds = Number(process.argv[3]);
const folder = process.argv[4];
const milliseconds = Number(process.argv[5]);

const BUSY = 'const f = (o) => o.value * 2; for (let sum = 0; ; ) sum += f({ value: 1 }) + f({ other: 1, value: 2 });';
let ended = 0;
let done = false;

function keepOneWorker() {
  const worker = new Worker(BUSY, { eval: true });
  // Terminated in every phase of its start.
  setTimeout(async () => {
    await worker.terminate();
    ended += 1;
    if (!done) keepOneWorker();
  }, (ended * 7) % 60);
}

/** The work of the main thread, compiled and optimised before the profiler of a later round starts. */
function mainWork() {
  let x = 1;
  for (let i = 0; i < 1e5; i++) x = (x * 31 + i) % 65537;
  return x;
}

(async () => {
  for (let count = 0; count < 3; count++) keepOneWorker();
  // CPU time of the main thread that the profiles cover at least and at most, in nanoseconds.
  const cpu = { least: 0, most: 0 };
  for (let round = 0; round < rounds; round++) {
    const before = ownCpu();
    const output = join(folder, String(round).padStart(2, '0'));
    const profiler = new Profiler({ rate: 5000, output }).start();
    const started = ownCpu();
    // By the thread's own clock: the workers use CPU time all the while.
    burnCpu(milliseconds, mainWork);
    await new Promise((resolve) => setTimeout(resolve, 10));
    cpu.least += ownCpu() - started;
    await profiler.stop();
    cpu.most += ownCpu() - before;
  }
  done = true;
  process.once('exit', () => console.log(JSON.stringify({ ended, cpu })));
})();
