/**
 * Starts and ends COUNT workers, BATCH at a time. Each makes code that is soon thrown away again, deoptimises, and makes
 * garbage in a heap with little room; half of them are terminated in the middle of it, the others end by themselves and
 * say how often V8 has thrown optimised code away. Prints one line of JSON at the end. Needs --allow-natives-syntax.
 */
const { readdirSync } = require('node:fs');
const { Worker, isMainThread, parentPort, threadId, workerData } = require('node:worker_threads');

const AT_WORK = 'at work';
const DEOPTIMISED_IN_A_ROUND = 5;
/** V8's kOptimized in what %GetOptimizationStatus returns; from Node.js 26 it stands one lower. */
const OPTIMISED = Number.parseInt(process.versions.node, 10) >= 26 ? 1 << 3 : 1 << 4;

/**
 * A new function, and what calls it: by the number in their names a frame that has the name of other code, of this
 * worker or of another, can be told from its thread or from its caller. The caller is kept from being optimised, and so
 * apart from the function: together they would take V8 twice as long to compile.
 */
function make(number) {
  const id = `${threadId}_${number}`;
  return new Function(`
    function turned_${id}(shape, depth, change) {
      const below = depth > 0 ? drives_${id}(shape, depth - 1, change) : change?.();
      return below + shape.step;
    }
    function drives_${id}(shape, depth, change) { return turned_${id}(shape, depth, change); }
    %PrepareFunctionForOptimization(turned_${id});
    %NeverOptimizeFunction(drives_${id});
    return {
      call: drives_${id},
      optimise: () => %OptimizeFunctionOnNextCall(turned_${id}),
      isOptimised: () => (%GetOptimizationStatus(turned_${id}) & ${OPTIMISED}) !== 0,
    };`)();
}

/**
 * Has V8 optimise a function and breaks what it took for granted: every second time from inside, with the function five
 * times on the stack, so that each of these is deoptimised when it goes on; else by an object of another shape.
 * Returns whether the code was there and is no more.
 */
function deoptimise(number) {
  const parent = { step: 3 };
  const shape = Object.create(parent);
  const { call, optimise, isOptimised } = make(number);
  for (let turn = 0; turn < 2; turn++) call(shape, 2);
  optimise();
  call(shape, 2);
  const was = isOptimised();
  if (number % 2 === 0) call({ step: 1.5 }, 4);
  else {
    call(shape, 4, () => {
      parent.step = -1;
      // Long enough to be seen on the stack, where the code is no longer valid.
      for (let turn = 0; turn < 5000; turn++) Math.sqrt(turn);
    });
  }
  return was && !isOptimised();
}

/** Runs a new function on one shape and then on others; it ends before V8 optimises it. */
function meetShapes(round) {
  const read = new Function('object', `return object.value + ${round}`);
  let sum = 0;
  for (let turn = 0; turn < 300; turn++) sum += read({ value: turn });
  for (const object of [{ value: 'text' }, { other: 1, value: 2.5 }, { value: undefined, third: [] }]) {
    sum += String(read(object)).length;
  }
  return sum;
}

/** Returns how often code was deoptimised. */
function storm(rounds) {
  let deoptimised = 0;
  let tries = 0;
  for (let round = 0; round < rounds; round++) {
    // Now and then V8's own compilers, at work beside this thread, are in the way.
    for (const goal = deoptimised + DEOPTIMISED_IN_A_ROUND; deoptimised < goal && tries < 10 * goal; tries++) {
      if (deoptimise(tries)) deoptimised += 1;
    }
    meetShapes(round);
    globalThis.kept = Array.from({ length: 2000 }, (_, index) => ({ index, round }));
    if (round % 8 === 0) globalThis.gc?.();
  }
  return deoptimised;
}

/** Adds to `deoptimised` what each worker says that is not terminated. */
async function batch(size, first, deoptimised) {
  await Promise.all(
    Array.from({ length: size }, (_, place) => {
      const endless = (first + place) % 2 === 0;
      const worker = new Worker(__filename, {
        workerData: { rounds: endless ? Number.POSITIVE_INFINITY : 2 },
        resourceLimits: { maxYoungGenerationSizeMb: 1 },
      });
      worker.on('message', (message) => {
        if (endless) worker.terminate();
        else if (message !== AT_WORK) deoptimised.push(message);
      });
      return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    }),
  );
}

async function main(count, size) {
  const rss = [];
  const deoptimised = [];
  let largest = 0;
  for (let done = 0; done < count; done += size) {
    await batch(Math.min(size, count - done), done, deoptimised);
    globalThis.gc?.();
    rss.push(process.memoryUsage.rss());
    largest = Math.max(largest, readdirSync('/proc/self/task').length);
  }
  // The profiler that the preload started.
  const counters = globalThis[Symbol.for('everflame.running')]?.metrics().counters;
  const { user, system } = process.cpuUsage();
  const threads = readdirSync('/proc/self/task').length;
  const cpuSeconds = (user + system) / 1e6;
  console.log(JSON.stringify({ count, cpuSeconds, rss, deoptimised, threads, largest, counters }));
}

if (isMainThread) {
  main(Number(process.argv[2]), Number(process.argv[3]));
} else {
  parentPort.postMessage(AT_WORK);
  parentPort.postMessage(storm(workerData.rounds));
}
