'use strict';
// Workers one after the other, each with one of several addons (their paths are the arguments). Node.js unloads an addon when
// the last worker that uses it ends, and the next one often has its addresses.
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

const ROUNDS = 3;
const NANOSECONDS = 300e6;

if (isMainThread) {
  (async () => {
    const spent = {};
    for (let round = 0; round < ROUNDS; round++) {
      for (const path of process.argv.slice(2)) {
        const worker = new Worker(__filename, { workerData: path });
        worker.once('message', (nanoseconds) => {
          spent[path] = (spent[path] ?? 0) + nanoseconds;
        });
        await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
      }
    }
    console.log(JSON.stringify(spent));
  })();
} else {
  parentPort.postMessage(require(workerData).burn(NANOSECONDS));
}
