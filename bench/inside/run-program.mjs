// Runs one CPU-bound program for a time and reports how many steps it made and what they cost.
const { step } = await import(process.argv[2]);
const warmupSeconds = Number(process.argv[3]);
const seconds = Number(process.argv[4]);

async function runFor(limitSeconds) {
  const end = performance.now() + limitSeconds * 1000;
  let steps = 0;
  while (performance.now() < end) {
    await step();
    steps += 1;
    // The event loop turns as in a service, so that timers of a profiler are due.
    if (steps % 20 === 0) await new Promise(setImmediate);
  }
  return steps;
}

await runFor(warmupSeconds);
const before = process.cpuUsage();
const start = performance.now();
const steps = await runFor(seconds);
const { user, system } = process.cpuUsage(before);
process.send({
  steps,
  elapsedSeconds: (performance.now() - start) / 1000,
  cpuMicroseconds: user + system,
  residentBytes: process.memoryUsage.rss(),
});
process.disconnect();
