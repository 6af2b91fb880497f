// Preload that times others: how long the main thread is held up before the program's first line.
const start = performance.now();
for (const preload of JSON.parse(process.env.BENCH_PRELOADS)) require(preload);
exports.preloadMilliseconds = performance.now() - start;
