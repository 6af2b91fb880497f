const { openSync, readSync } = require('node:fs');

const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`);
const text = Buffer.alloc(128);

/**
 * How long the main thread was ready to run but had no core, in milliseconds. Other programs do that, and it is
 * taken off a block; a sleep or a wait for a lock is not in it and counts.
 */
exports.waitedForCore = () => {
  const length = readSync(schedule, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
};
