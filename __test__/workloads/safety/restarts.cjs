/** Starts and stops the profiler ROUNDS times while workers come and go. Argument 2 is the package. */
const { Worker } = require('node:worker_threads');

const { Profiler } = require(process.argv[2]);
const rounds = Number(process.argv[3]);

const BUSY = 'const f = (o) => o.value * 2; for (let sum = 0; ; ) sum += f({ value: 1 }) + f({ other: 1, value: 2 });';
let ended = 0;
let done = false;

function keepOneWorker() {
  const worker = new Worker(BUSY, { eval: true });
  // Terminated in every phase of its start.
  setTimeout(async () => {
    await worker.terminate();
    ended += 1;
    if (!done) keepOneWorker();
  }, (ended * 7) % 60);
}

(async () => {
  for (let count = 0; count < 3; count++) keepOneWorker();
  let samples = 0;
  for (let round = 0; round < rounds; round++) {
    const profiler = new Profiler({ rate: 5000 }).start();
    const end = process.cpuUsage().user + 20_000;
    while (process.cpuUsage().user < end) Math.sqrt(end);
    await new Promise((resolve) => setTimeout(resolve, 10));
    samples += (await profiler.stop()).samples;
  }
  done = true;
  process.once('exit', () => console.log(JSON.stringify({ samples, ended })));
})();
