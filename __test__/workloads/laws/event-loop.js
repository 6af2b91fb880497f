'use strict';
// Blocks the event loops of two threads for times that they measure themselves, and keeps objects on the heap.
const { once } = require('node:events');
const { join } = require('node:path');
const { resourceUsage } = require('node:process');
const workerThreads = require('node:worker_threads');
const { blockInTurns } = require('./lib/blocks.js');
const { profiled } = require('./lib/profiled.js');

profiled(async () => {
  // Three words each at the least: the class, the properties, the elements.
  const kept = Array.from({ length: 1e6 }, (_, i) => ({ i }));
  const worker = new workerThreads.Worker(join(__dirname, 'event-loop-worker.js'));
  const id = worker.threadId;
  const said = once(worker, 'message');
  const main = await blockInTurns([310, 1300, 70, 530]);
  const [other] = await said;
  await worker.terminate();
  return { main, other, worker: String(id), keptBytes: kept.length * 24, peakRss: resourceUsage().maxRSS * 1024 };
});
