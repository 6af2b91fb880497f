'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { ageOfThread, now, ownCpu, ownTid } = require('./lib/clock.js');
const { burnCpu } = require('./lib/burn.js');

function workerWork() {
  let x = 1;
  for (let i = 0; i < 2e6; i++) x = Math.imul(x ^ i, 16777619);
  return x;
}

function workerSleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

for (let round = 0; round < 3; round++) {
  burnCpu(300 * workerData.number, workerWork);
  workerSleep(4500);
}
const tid = ownTid();
parentPort.postMessage({
  name: `worker ${workerData.number}`,
  tid,
  cpu: ownCpu(),
  age: ageOfThread(tid),
  at: now(),
});
