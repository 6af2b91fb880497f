'use strict';
// A main thread that works for a moment in each of many turns, and sleeps for most of its time, as a service with few
// requests does: far less than a sampling interval of CPU time between two sleeps. Milliseconds of work and of sleep: arguments.
const { now } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const [WORK_MS, SLEEP_MS] = process.argv.slice(3).map(Number);
const TIME = 5e9;

let worked = 0;

function workShortly() {
  const start = now();
  for (let end = start + WORK_MS * 1e6; now() < end; );
  worked += now() - start;
}

profiled(async () => {
  const start = now();
  while (now() < start + TIME) {
    workShortly();
    await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
  }
  return { worked };
});
