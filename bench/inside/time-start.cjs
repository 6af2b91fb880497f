// Preload that times another one, and says so before the program's first line.
const { preloadMilliseconds } = require('./timed-preload.cjs');

process.send({ milliseconds: preloadMilliseconds, residentBytes: process.memoryUsage.rss() });
process.disconnect();
