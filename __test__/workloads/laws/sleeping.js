'use strict';
// A main thread that blocks in four ways, a worker that still sleeps when the profile ends, and one that is busy, so
// that the profiler looks at all of them all the time.
const { execSync, spawn } = require('node:child_process');
const { openSync, readSync } = require('node:fs');
const { join } = require('node:path');
const workerThreads = require('node:worker_threads');
const { now } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const FOLDER = process.argv[3];
const REPEATS = 30;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Work before a sleep: without it the profiler takes the next sleep for the last one. */
function work() {
  for (let end = now() + 300e3; now() < end; );
}

/** Sleeps until the time is over. */
function waitForTime() {
  return Atomics.wait(cell, 0, 0, 600);
}

/** Short sleeps one after the other, each at a place that the profiler has to look at anew. */
function waitOften() {
  const results = {};
  for (let i = 0; i < REPEATS; i++) {
    work();
    const result = Atomics.wait(cell, 0, 0, 20);
    results[result] = (results[result] ?? 0) + 1;
  }
  return results;
}

/** Blocks in wait4 and poll, inside libuv. */
function waitForChild() {
  return execSync('sleep 0.6; echo done', { encoding: 'utf8' });
}

/** Blocks in read(2). Each byte comes by itself, so that each is waited for. */
function waitForPipe() {
  const path = join(FOLDER, 'pipe');
  execSync(`mkfifo ${path}`);
  const writer = `exec 3> ${path}; for i in $(seq ${REPEATS}); do sleep 0.03; printf x >&3; done`;
  spawn('sh', ['-c', writer], { stdio: 'ignore' });
  const pipe = openSync(path, 'r');
  const byte = Buffer.alloc(1);
  const sizes = {};
  for (let size = 1; size > 0; ) {
    work();
    size = readSync(pipe, byte);
    sizes[size] = (sizes[size] ?? 0) + 1;
  }
  return sizes;
}

function timed(sleep) {
  const start = now();
  const result = sleep();
  return { result, time: now() - start };
}

profiled(async () => {
  const startWorker = (role) =>
    new Promise((resolve) => {
      const worker = new workerThreads.Worker(require.resolve('./sleeping-worker.js'), { workerData: { role } });
      worker.once('message', resolve);
    });
  await startWorker('busy');
  const { tid } = await startWorker('sleeper');
  const asleepSince = now();
  const truth = {
    waitForTime: timed(waitForTime),
    waitOften: timed(waitOften),
    waitForChild: timed(waitForChild),
    waitForPipe: timed(waitForPipe),
    sleeper: { tid, time: now() - asleepSince, result: null },
  };
  return truth;
}).then(() => process.exit());
