import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import {
  foldedStacks,
  linesOf,
  readProfile,
  shareOf,
  total,
  totalsByLabel,
  withLabel,
} from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const MAIN = 'Main Event Loop';

/** Runs a program below the preload with the inspector engine and reads what it left. */
async function profile(
  folder: string,
  script: string,
  { node = process.execPath, env = {} }: { node?: string; env?: Record<string, string> } = {},
) {
  const out = join(folder, `out-${Math.random().toString(36).slice(2)}`);
  const end = await run(node, ['--require', AUTO, script], {
    cwd: folder,
    env: { EVERFLAME_ENGINE: 'inspector', DD_PROFILING_OUTPUT_PPROF: join(out, 'p'), ...env },
  });
  return { end, profiles: profilesIn(out).map(readProfile) };
}

const SHARES = `
const began = performance.now();
const { Worker, isMainThread } = require('node:worker_threads');
function spin(ms) { const end = performance.now() + ms; while (performance.now() < end) Math.sqrt(end); }
function third(ms) {
  spin(ms);
}
function twoThirds(ms) {
  spin(ms);
}
// V8's sampler waits for a CPU where all are busy, and the gap is one sample's: turns are longer than that.
for (let i = 0; i < 8; i++) { third(100); twoThirds(200); }
if (isMainThread) new Worker(__filename).on('exit', () => console.log(performance.now() - began));
`;

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: shares, threads and their times are true`, async (t) => {
    const folder = temporaryFolder(t, { 'shares.js': SHARES });
    const started = performance.now();
    const { end, profiles } = await profile(folder, 'shares.js', {
      node: path,
      env: { EVERFLAME_RATE: '1000' },
    });
    const processMilliseconds = performance.now() - started;
    const programMilliseconds = Number(end.stdout);
    t.is(end.stderr, '');
    const walls = totalsByLabel(profiles, 'wall', 'thread name');
    t.deepEqual([...walls.keys()].sort(), [MAIN, 'Worker #1 Event Loop']);
    // From the preload to the end of the process: more than the program itself had, and less than the process.
    const wall = (walls.get(MAIN) ?? 0) / 1e6;
    const bounds = `${programMilliseconds} < ${wall} < ${processMilliseconds}`;
    t.log(`milliseconds of the program, profile and process: ${bounds}`);
    t.true(programMilliseconds < wall && wall < processMilliseconds, bounds);
    t.is(profiles.length, 1);
    const length = profiles[0]?.durationNanoseconds ?? 0;
    t.true(wall * 1e6 <= length, `${wall} ms of ${length} ns`);
    for (const thread of walls.keys()) {
      const filter = withLabel('thread name', thread);
      const [a, b] = ['third', 'twoThirds'].map((name) => shareOf(profiles, 'wall', name, filter));
      const share = (a as number) / ((a as number) + (b as number));
      t.true(Math.abs(share - 1 / 3) < 0.05, `${thread}: ${share}`);
    }
    const systemIds = totalsByLabel(profiles, 'wall', 'os thread id');
    t.is(systemIds.size, 2);
    t.true(systemIds.has(String(end.pid)), [...systemIds.keys()].join());
  });
}

test.serial('executing lines of the leaf are those that burn', async (t) => {
  const folder = temporaryFolder(t, {
    'lines.js': [
      'function hot() {',
      '  const end = Date.now() + 400;',
      '  let sum = 0;',
      '  while (Date.now() < end) {',
      '    for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i) * Math.sin(i);',
      '  }',
      '  return sum;',
      '}',
      'hot();',
    ].join('\n'),
  });
  const { profiles } = await profile(folder, 'lines.js');
  const lines = linesOf(profiles, 'wall', 'hot');
  const all = [...lines.values()].reduce((sum, value) => sum + value, 0);
  t.true((lines.get(5) ?? 0) / all > 0.9, JSON.stringify([...lines]));
  const [frame] = profiles
    .flatMap(({ samples }) => samples.flatMap(({ frames }) => frames))
    .filter(({ name }) => name === 'hot');
  t.is(frame?.startLine, 1);
});

test.serial(
  'the timeline gives each sample its end, within the profile; off, equal samples are one',
  async (t) => {
    const folder = temporaryFolder(t, { 'shares.js': SHARES });
    const on = (await profile(folder, 'shares.js')).profiles;
    t.true(on.length > 0);
    for (const { samples, startNanoseconds, durationNanoseconds } of on) {
      const ends = samples.map(({ labels }) =>
        Number(BigInt(labels.get('end_timestamp_ns') ?? 0) - startNanoseconds),
      );
      t.true(Math.min(...ends) >= 0, String(Math.min(...ends)));
      // To the nanosecond, where a double since the epoch has steps of 256.
      t.is(Math.max(...ends), durationNanoseconds);
    }
    const off = (await profile(folder, 'shares.js', { env: { DD_PROFILING_TIMELINE_ENABLED: 'false' } }))
      .profiles;
    const keys = off.flatMap(({ samples }) =>
      samples.map(({ frames, labels }) => JSON.stringify([frames, [...labels]])),
    );
    t.is(new Set(keys).size, keys.length);
    t.true(keys.length < total(off, 'sample') / 2, `${keys.length} of ${total(off, 'sample')}`);
  },
);

test.serial('CPU time is there where Node.js can tell it, as much as the threads used', async (t) => {
  const folder = temporaryFolder(t, {
    'cpu.js': `
      const usage = () => {
        const used = process.threadCpuUsage?.();
        return used ? (used.user + used.system) * 1000 : null;
      };
      const before = usage();
      setTimeout(() => {
        const end = Date.now() + 300;
        while (Date.now() < end) Math.sqrt(end);
        console.log(JSON.stringify([before, usage()]));
      }, 300);`,
  });
  for (const { major, path } of testNodes()) {
    const { end, profiles } = await profile(folder, 'cpu.js', { node: path });
    const [before, after] = JSON.parse(end.stdout) as [number | null, number | null];
    const types = profiles[0]?.types.map(({ type }) => type);
    if (before === null || after === null) {
      t.deepEqual(types, ['sample', 'wall'], major);
      continue;
    }
    t.deepEqual(types, ['sample', 'wall', 'cpu'], major);
    const cpu = total(profiles, 'cpu');
    // The profiler begins before the program and ends after it, and not before the thread does.
    t.true(cpu >= after - before && cpu <= after * 1.1, `${major}: ${cpu} of ${before} to ${after}`);
    t.is(
      total(profiles, 'cpu', ({ frames }) => frames[0]?.name === '(idle)'),
      0,
      major,
    );
  }
});

test.serial('a deep stack keeps its leaf and says how many frames are left out', async (t) => {
  const folder = temporaryFolder(t, {
    'deep.js': `
      function down(n) { if (n > 0) return down(n - 1) + 1; const end = Date.now() + 200; while (Date.now() < end); return 0; }
      down(100);`,
  });
  const { profiles } = await profile(folder, 'deep.js', { env: { DD_PROFILING_MAX_FRAMES: '20' } });
  const stacks = [...foldedStacks(profiles, 'wall').keys()].filter((stack) => stack.endsWith(';down'));
  t.true(stacks.length > 0);
  for (const stack of stacks) {
    const frames = stack.split(';');
    t.regex(frames[0] ?? '', /^<\d+ frames omitted>$/);
    t.is(frames.length, 21);
  }
});

test.serial('paths with blanks, percent signs and other letters are those of the disk', async (t) => {
  const folder = temporaryFolder(t);
  const odd = join(folder, 'a b %20 ä 漢');
  mkdirSync(odd);
  const file = join(odd, 'm o.mjs');
  writeFileSync(file, 'function odd() { const end = Date.now() + 150; while (Date.now() < end); } odd();');
  const { profiles } = await profile(folder, file);
  const frames = profiles.flatMap(({ samples }) => samples.flatMap((sample) => sample.frames));
  t.is(frames.find(({ name }) => name === 'odd')?.file, file);
});

test.serial('workers that are ended, busy or many lose no profile of the others', async (t) => {
  const folder = temporaryFolder(t, {
    'many.js': `
      const { Worker, isMainThread } = require('node:worker_threads');
      function burn(ms) { const end = Date.now() + ms; while (Date.now() < end) Math.sqrt(end); }
      if (isMainThread) {
        const workers = Array.from({ length: 6 }, () => new Worker(__filename));
        setTimeout(() => workers.slice(0, 3).forEach((worker) => worker.terminate()), 300);
        setTimeout(() => console.log('end'), 600);
      } else burn(500);`,
  });
  const { end, profiles } = await profile(folder, 'many.js');
  t.is(end.stdout, 'end\n');
  t.is(end.stderr, '');
  const threads = [...totalsByLabel(profiles, 'wall', 'thread name').keys()];
  for (const number of [4, 5, 6]) t.true(threads.includes(`Worker #${number} Event Loop`), threads.join());
});

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: a worker that is terminated is forgotten when it has ended`, async (t) => {
    const folder = temporaryFolder(t, {
      'ended.js': `
        const { Profiler } = require(${JSON.stringify(ROOT)});
        const profiler = new Profiler({ engine: 'inspector', exporters: [] }).start();
        const { Worker } = require('node:worker_threads');
        const threads = () => profiler.status.threads.map(({ threadId }) => threadId).sort().join();
        const until = (text) => new Promise((resolve) => {
          const timer = setInterval(() => { if (threads() === text) resolve(clearInterval(timer)); }, 5);
        });
        (async () => {
          const workers = [1, 2].map(() => new Worker('setInterval(() => {}, 1000)', { eval: true }));
          await until('0,1,2');
          const listeners = workers[0].listenerCount('exit');
          const ended = new Promise((resolve) => workers[0].once('exit', () => resolve(threads())));
          workers[0].terminate();
          console.log(await ended, listeners);
          const { data } = await profiler.stop();
          workers[1].terminate();
          console.log(data.length > 0);
        })();`,
    });
    const end = await run(path, ['ended.js'], { cwd: folder });
    t.is(end.stdout, '0,2 0\ntrue\n', end.stderr);
  });
}

test.serial(
  'a busy worker does not hold up the end of the process for long, and the others are there',
  async (t) => {
    const folder = temporaryFolder(t, {
      'busy.js': `
      const { Worker, isMainThread, workerData } = require('node:worker_threads');
      if (isMainThread) {
        // The first listener and the last: what lies between is the profiler's.
        let before;
        process.prependListener('exit', () => { before = performance.now(); });
        process.on('exit', () => console.log(performance.now() - before));
        const shared = new Int32Array(new SharedArrayBuffer(4));
        new Worker(__filename, { workerData: { shared, busy: true } });
        const other = new Worker(__filename, { workerData: { shared, busy: false } });
        other.once('online', () => other.once('message', () => {
          Atomics.wait(shared, 0, 0);
          process.exit(3);
        }));
      } else if (workerData.busy) {
        // Once the event loop has run, so that the main thread knows of this worker.
        setImmediate(() => {
          Atomics.store(workerData.shared, 0, 1);
          Atomics.notify(workerData.shared, 0);
          for (;;) Math.sqrt(2);
        });
      } else {
        setInterval(() => {}, 1000);
        require('node:worker_threads').parentPort.postMessage('ready');
      }`,
    });
    const { end, profiles } = await profile(folder, 'busy.js');
    t.is(end.code, 3, end.stderr);
    // Half a second, and as much again for what a loaded machine adds; two seconds is what the native sampler may take.
    t.true(Number(end.stdout) < 1000, end.stdout);
    t.true(totalsByLabel(profiles, 'wall', 'thread name').has('Worker #2 Event Loop'));
  },
);

test.serial(
  'a profile that is there is not written over, as where each run has the same process number',
  async (t) => {
    const folder = temporaryFolder(t);
    const script = `const fs = require('node:fs');
    const { Profiler } = require(${JSON.stringify(ROOT)});
    const prefix = ${JSON.stringify(join(folder, 'p'))};
    const earlier = prefix + '.' + process.pid + '.7.wall.pprof';
    fs.writeFileSync(earlier, 'earlier');
    new Profiler({ output: prefix, engine: 'inspector' }).start();
    const end = Date.now() + 50;
    while (Date.now() < end) Math.sqrt(end);`;
    const end = await run(process.execPath, ['-e', script]);
    t.is(end.stderr, '');
    const names = profilesIn(folder).map((path) => path.replace(/.*p\.\d+\./, ''));
    t.deepEqual(names.sort(), ['7.wall.pprof', '8.wall.pprof']);
  },
);

test.serial('an inspector session of the program lives beside it', async (t) => {
  const folder = temporaryFolder(t, {
    'session.js': `
      const { Session } = require('node:inspector/promises');
      (async () => {
        const session = new Session();
        session.connect();
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
        const end = Date.now() + 200; while (Date.now() < end);
        const { profile } = await session.post('Profiler.stop');
        console.log(profile.nodes.length > 0);
        session.disconnect();
      })();`,
  });
  const { end, profiles } = await profile(folder, 'session.js');
  t.is(end.stdout, 'true\n', end.stderr);
  t.true(total(profiles, 'wall') > 190e6);
});
