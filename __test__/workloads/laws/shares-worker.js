'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { now } = require('./lib/clock.js');
const { Slices } = require('./lib/slices.js');

function inWorker(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537;
  return x;
}

const until = now() + workerData.milliseconds * 1e6;
const slices = new Slices(120, inWorker);
while (now() < until) {
  slices.run();
  // Leaves some of the machine to the others.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
}
parentPort.postMessage({ spent: slices.spent });
