// Preload that times another one: how long the main thread is held up before the program's first line.
const start = performance.now();
for (const preload of JSON.parse(process.env.BENCH_PRELOADS)) require(preload);
const milliseconds = performance.now() - start;
process.send({ milliseconds, residentBytes: process.memoryUsage.rss() });
process.disconnect();
