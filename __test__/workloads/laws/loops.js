'use strict';
// CPU time in user code, then in the kernel.
const { openSync, readSync } = require('node:fs');
const { profiled } = require('./lib/profiled.js');
const { Slices } = require('./lib/slices.js');

const MILLISECONDS = Number(process.argv[3]);
const zeros = openSync('/dev/zero', 'r');
const block = Buffer.alloc(1 << 20);

function userLoop(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537;
  return x;
}

function kernelLoop(rounds) {
  for (let i = 0; i < rounds; i += 10_000) readSync(zeros, block, 0, block.length, 0);
}

profiled(async () => {
  const user = new Slices(100, userLoop);
  const kernel = new Slices(100, kernelLoop);
  while (user.spent < MILLISECONDS * 1e6) user.run();
  while (kernel.spent < MILLISECONDS * 1e6) kernel.run();
  return { userLoop: user.spent, kernelLoop: kernel.spent };
});
