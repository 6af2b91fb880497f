'use strict';
// Nothing but sleep, on each kind of thread that Node.js has: event loops, the pool, V8's helpers.
const { pbkdf2 } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');
const { profiled } = require('./lib/profiled.js');

profiled(async () => {
  // A thread of the pool is made when it is first needed.
  await promisify(pbkdf2)('password', 'salt', 1, 8, 'sha512');
  const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true });
  await new Promise((resolve) => worker.once('online', resolve));
  await sleep(Number(process.argv[3]));
  return {};
}).then(() => process.exit());
