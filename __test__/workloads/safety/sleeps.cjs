/**
 * Sleeps in system calls that the kernel does not restart after a signal, by the addon in the first argument, each time
 * after some work, beside a busy worker; prints how many sleeps saw a signal, how many of them ended early, and how long they
 * took.
 */
const { Worker } = require('node:worker_threads');

const addon = require(process.argv[2]);
const running = globalThis[Symbol.for('everflame.running')];

const REPEATS = 40;
const SHORT = 10;
const LONG = 500;

/** One line each, which the profile names. */
const sleepers = {
  inNanosleep: (milliseconds) => addon.nanosleep(milliseconds),
  inPoll: (milliseconds) => addon.poll(milliseconds),
  inPpoll: (milliseconds) => addon.ppoll(milliseconds),
  inSelect: (milliseconds) => addon.select(milliseconds),
  inRecv: (milliseconds) => addon.recv(milliseconds),
  inSigtimedwait: (milliseconds) => addon.sigtimedwait(milliseconds),
  inSemtimedop: (milliseconds) => addon.semtimedop(milliseconds),
  inSemTimedwait: (milliseconds) => addon.sem_timedwait(milliseconds),
  inWrite: (milliseconds) => addon.write(milliseconds),
};

/** Work before a sleep: without it the profiler takes the next sleep for the last one. */
function work() {
  const { user, system } = process.cpuUsage();
  for (const end = user + system + 1000; ; ) {
    const now = process.cpuUsage();
    if (now.user + now.system > end) return;
  }
}

function timed(sleep, milliseconds) {
  const start = performance.now();
  const interrupted = sleep(milliseconds);
  const time = performance.now() - start;
  return { interrupted, early: time < milliseconds - 0.1, time };
}

const busy = new Worker('require("node:worker_threads").parentPort.postMessage(0); for (;;);', { eval: true });
busy.once('message', () => {
  const calls = {};
  for (const [name, sleep] of Object.entries(sleepers)) {
    const sum = { sleeps: 0, interrupted: 0, early: 0, milliseconds: 0 };
    for (let count = 0; count <= REPEATS; count++) {
      work();
      const { interrupted, early, time } = timed(sleep, count < REPEATS ? SHORT : LONG);
      sum.sleeps++;
      sum.interrupted += interrupted;
      sum.early += early;
      sum.milliseconds += time;
    }
    calls[name] = sum;
  }
  console.log(JSON.stringify({ calls, counters: running?.metrics().counters }));
  process.exit();
});
