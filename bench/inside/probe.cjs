// Preload for every variant, the one without a profiler included: answers over the process's message channel
// what the process has used so far, and what everflame, where it runs, says of itself.
const { isMainThread } = require('node:worker_threads');

if (isMainThread && process.send !== undefined) {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    const metrics = globalThis[Symbol.for('everflame.running')]?.metrics();
    process.send({
      usage: { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss(), metrics },
    });
  });
  // The measured program must end when its own work ends.
  process.channel.unref();
}
