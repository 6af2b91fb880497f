'use strict';
// Main thread, two workers that start and end in the middle, and the pool: who used how much, and lived how long.
const { pbkdf2 } = require('node:crypto');
const { readdirSync } = require('node:fs');
const { promisify } = require('node:util');
const workerThreads = require('node:worker_threads');
const { ageOfThread, cpuOfThread, now, ownCpu, ownTid } = require('./lib/clock.js');
const { burnCpu } = require('./lib/burn.js');
const { profiled } = require('./lib/profiled.js');

const derive = promisify(pbkdf2);
const pause = () => new Promise((resolve) => setImmediate(resolve));

function mainWork() {
  let x = 1;
  for (let i = 0; i < 2e6; i++) x = Math.imul(x ^ i, 16777619);
  return x;
}

/** What a thread of the pool uses at least, in nanoseconds: it has derived a key. */
const POOL_CPU = 20e6;

/** A thread that ends while the list is read may hide another, or show it twice: of two lists alike each is whole. */
function tids() {
  for (let last = ''; ; ) {
    const found = readdirSync('/proc/self/task');
    if (found.join() === last) return found.map(Number);
    last = found.join();
  }
}

function startWorker(number) {
  const asked = now();
  const worker = new workerThreads.Worker(require.resolve('./threads-worker.js'), { workerData: { number } });
  let said;
  worker.on('message', (message) => {
    said = message;
  });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => {
      const gone = now();
      // The last statement of the worker knows its age; what came after is at most what has passed since.
      resolve({ ...said, life: { least: said.age, most: Math.min(gone - asked, said.age + gone - said.at) } });
    });
  });
}

async function burnMain(milliseconds) {
  for (let spent = 0; spent < milliseconds; spent += 50) {
    burnCpu(50, mainWork);
    await pause();
  }
}

/** Burns a little all the time: in a process at rest the profiler looks at its threads once a second only. */
async function burnUntil(promise) {
  let over = false;
  promise.then(() => {
    over = true;
  });
  while (!over) {
    burnCpu(5, mainWork);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return promise;
}

profiled(async () => {
  const start = now();
  const tid = ownTid();
  const cpu = ownCpu();
  const before = new Set(tids());
  const derived = [derive('password', 'salt', 200_000, 32, 'sha512')];
  await burnMain(300);
  const workers = [startWorker(1)];
  for (let i = 0; i < 5; i++) derived.push(derive('password', `salt ${i}`, 300_000, 32, 'sha512'));
  await burnMain(500);
  workers.push(startWorker(2));
  await burnMain(700);
  const threads = await burnUntil(Promise.all(workers));
  await Promise.all(derived);
  // The pool is idle, so its clocks are complete.
  await burnMain(100);
  const lived = now() - start;
  for (const id of tids()) {
    // What V8 and the profiler start for themselves uses next to nothing.
    if (before.has(id) || cpuOfThread(id) < POOL_CPU) continue;
    const life = ageOfThread(id);
    threads.push({ name: 'pool', tid: id, cpu: cpuOfThread(id), life: { least: life, most: life } });
  }
  threads.push({ name: 'main', tid, cpu: ownCpu() - cpu, life: { least: lived, most: lived } });
  return { threads };
});
