// Preload for the peers: starts one, and writes a profile each period, as their own exporters do.
const { writeFile } = require('node:fs/promises');
const { threadId } = require('node:worker_threads');

const adapter = require(process.env.BENCH_ADAPTER);
const prefix = process.env.BENCH_OUTPUT;
let sequence = 0;

async function writeProfile() {
  const profile = await adapter.flush();
  sequence += 1;
  await writeFile(`${prefix}.${process.pid}.${threadId}.${sequence}.profile`, profile);
}

adapter.start({});
setInterval(writeProfile, Number(process.env.BENCH_PERIOD) * 1000).unref();
