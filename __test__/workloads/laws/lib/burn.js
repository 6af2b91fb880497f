'use strict';
const { ownCpu } = require('./clock.js');

/** Calls `step` until the calling thread has used so many milliseconds of CPU time. Returns what it used, in nanoseconds. */
exports.burnCpu = (milliseconds, step) => {
  const start = ownCpu();
  let spent = 0;
  while (spent < milliseconds * 1e6) {
    step();
    spent = ownCpu() - start;
  }
  return spent;
};
