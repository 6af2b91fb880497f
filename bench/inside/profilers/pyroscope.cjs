// Preload as the client's documentation has it at the top of a program: address and name, then start. CPU time is switched
// on, as it is in the others, and the heap is left out, which not all of them profile.
const { default: Pyroscope } = require('@pyroscope/nodejs');

const period = Number(process.env.BENCH_PERIOD) * 1000;

Pyroscope.init({
  serverAddress: process.env.BENCH_SERVER,
  appName: 'bench',
  flushIntervalMs: period,
  wall: { collectCpuTime: true, samplingDurationMs: period },
});
Pyroscope.startWallProfiling();
