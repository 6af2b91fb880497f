/**
 * A worker that sleeps by the addon in the first argument below JavaScript, C++ and JavaScript again, in turn; prints how
 * many milliseconds it slept.
 */
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { Script } = require('node:vm');

// On the main thread too, which keeps it loaded: the profiler names addresses after the worker has ended.
const addon = require(process.argv[2]);
const REPEATS = 30;
const SLEEP = 20;

if (isMainThread) {
  new Worker(__filename, { argv: process.argv.slice(2) }).once('message', (milliseconds) => {
    console.log(milliseconds);
    process.exit();
  });
} else {
  const script = new Script('(function inScript() { sleepByAddon(); })()');
  let slept = 0;
  globalThis.sleepByAddon = function sleepByAddon() {
    const start = performance.now();
    addon.poll(SLEEP);
    slept += performance.now() - start;
  };
  const revive = (key, value) => {
    if (key === 'key') script.runInThisContext();
    return value;
  };
  const parse = () => JSON.parse('{"key":1}', revive);
  for (let count = 0; count < REPEATS; count++) {
    // Without work the profiler takes the next sleep for the last one.
    for (const end = performance.now() + 2; performance.now() < end; );
    parse();
  }
  parentPort.postMessage(slept);
}
