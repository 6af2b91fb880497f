'use strict';
// Five functions burn CPU time side by side, and the program measures what each is charged.
const { pbkdf2 } = require('node:crypto');
const { readdirSync } = require('node:fs');
const { promisify } = require('node:util');
const workerThreads = require('node:worker_threads');
const { cpuOfThread, now, ownCpu, processCpu } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');
const { Slices } = require('./lib/slices.js');

const SECONDS = Number(process.argv[3]);
const derive = promisify(pbkdf2);
const tids = () => readdirSync('/proc/self/task').map(Number);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Small enough for the optimising compiler to put into its caller.
function inlined(x) {
  for (let i = 0; i < 200; i++) x = (x * 33 + i) % 65521;
  return x;
}

function callsInlined(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = inlined(x);
  return x;
}

function recursive(n) {
  return n < 2 ? n : recursive(n - 1) + recursive(n - 2);
}

function callsRecursive(rounds) {
  let x = 0;
  for (let i = 0; i < rounds; i += 1000) x += recursive(15);
  return x;
}

async function asynchronous(rounds) {
  await null;
  await pause(1);
  const start = ownCpu();
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537;
  return { x, spent: ownCpu() - start };
}

async function keepPoolBusy(until) {
  // Breaks leave some of the machine to the others.
  while (now() < until) {
    await derive('password', 'salt', 600_000, 32, 'sha512');
    await pause(100);
  }
}

profiled(async () => {
  const before = new Set(tids());
  await derive('password', 'salt', 1000, 32, 'sha512');
  const pool = tids().filter((tid) => !before.has(tid));
  const poolBefore = sum(pool.map(cpuOfThread));
  const cpu = processCpu();
  const until = now() + SECONDS * 1e9;
  const worker = new workerThreads.Worker(require.resolve('./shares-worker.js'), {
    workerData: { milliseconds: SECONDS * 1000 },
  });
  const said = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  const busy = keepPoolBusy(until);
  const calling = new Slices(150, callsInlined);
  const recursing = new Slices(180, callsRecursive);
  let spentAsynchronously = 0;
  while (now() < until) {
    calling.run();
    await null;
    recursing.run();
    spentAsynchronously += (await asynchronous(5e7)).spent;
  }
  await busy;
  const worked = await said;
  await exit;
  return {
    spent: {
      inlined: calling.spent,
      recursive: recursing.spent,
      asynchronous: spentAsynchronously,
      inWorker: worked.spent,
      pbkdf2: sum(pool.map(cpuOfThread)) - poolBefore,
    },
    process: processCpu() - cpu,
  };
});
