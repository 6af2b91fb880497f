// A program that starts worker threads one after the other, each of which has nothing to do.
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');

async function runWorkers(count) {
  for (let started = 0; started < count; started += 1) {
    const [code] = await once(new Worker('', { eval: true }), 'exit');
    if (code !== 0) throw new Error(`a worker thread ended with ${code}`);
  }
}

async function measure(count) {
  // The first load what all of a process share.
  await runWorkers(3);
  const [usage, start] = [process.cpuUsage(), performance.now()];
  await runWorkers(count);
  const { user, system } = process.cpuUsage(usage);
  process.send({
    cpuMillisecondsPerWorker: (user + system) / 1000 / count,
    millisecondsPerWorker: (performance.now() - start) / count,
  });
  process.disconnect();
}

measure(Number(process.argv[2]));
