'use strict';
// A recursion of known depth that burns at its bottom.
const { ownCpu } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const DEPTH = Number(process.argv[3]);
const MILLISECONDS = 300;

function bottom() {
  let x = 1;
  for (let i = 0; i < 1e6; i++) x = (x * 31 + i) % 65537;
  return x;
}

function descend(left) {
  return left === 0 ? bottom() : descend(left - 1) + 1;
}

profiled(async () => {
  const start = ownCpu();
  while (ownCpu() - start < MILLISECONDS * 1e6) descend(DEPTH);
  return { calls: DEPTH + 1 };
});
