'use strict';
const { readFileSync, readlinkSync } = require('node:fs');

const TICKS_PER_SECOND = 100;

/** The kernel's number of the calling thread. */
exports.ownTid = () => Number(readlinkSync('/proc/thread-self').split('/').pop());

/** CPU time that the kernel has charged a thread, in nanoseconds. For another thread it may lack a running slice. */
exports.cpuOfThread = (tid) =>
  Number(readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8').split(' ', 1)[0]);

/**
 * CPU time that the kernel has charged the calling thread, in nanoseconds. `process.cpuUsage()` makes the kernel charge
 * the running slice first; without it the figure is up to one scheduler tick old.
 */
exports.ownCpu = () => {
  process.cpuUsage();
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ', 1)[0]);
};

/** CPU time that the kernel has charged the process, in nanoseconds. */
exports.processCpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** Time since a thread was started, in nanoseconds; the kernel notes the start in hundredths of a second. */
exports.ageOfThread = (tid) => {
  const stat = readFileSync(`/proc/self/task/${tid}/stat`, 'utf8');
  // After the name, which may hold anything, comes the third field; the start is the twenty-second.
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) / TICKS_PER_SECOND;
  const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]);
  return (now - started) * 1e9;
};

/** Monotonic time in nanoseconds. */
exports.now = () => Number(process.hrtime.bigint());
