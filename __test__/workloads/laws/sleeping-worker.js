'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { ownTid } = require('./lib/clock.js');

function sleepForEver() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function burnForEver() {
  for (let x = 1; ; x = (x * 31 + 7) % 65537);
}

parentPort.postMessage({ tid: ownTid() });
if (workerData.role === 'sleeper') sleepForEver();
else burnForEver();
