'use strict';
// One thread that uses CPU time for a while and sleeps for a while.
const { setTimeout: sleep } = require('node:timers/promises');
const { burnCpu } = require('./lib/burn.js');
const { now } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

function burns() {
  let x = 1;
  for (let i = 0; i < 1e5; i++) x = (x * 31 + i) % 65537;
  return x;
}

profiled(async () => {
  const cpu = burnCpu(500, burns);
  const from = now();
  await sleep(500);
  return { cpu, asleep: now() - from, hasThreadClock: 'threadCpuUsage' in process };
});
