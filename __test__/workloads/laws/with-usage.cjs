'use strict';
// Preload in place of everflame/auto: starts the profiler, and prints at the end what CPU time the kernel charged the
// process. As in profiled.js the profile covers at least what lies between the start and the last profile, and at most
// these two as well.
const { isMainThread } = require('node:worker_threads');
const { processCpu } = require('./lib/clock.js');

if (isMainThread) {
  const before = processCpu();
  let stopping;
  // Listeners are called in this order: the profiler's own, which makes the last profile, stands between the two.
  process.once('exit', () => {
    stopping = processCpu();
  });
  require('everflame/auto');
  const started = processCpu();
  process.once('exit', () => {
    console.log(JSON.stringify({ least: stopping - started, most: processCpu() - before }));
  });
} else {
  require('everflame/auto');
}
