import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, shareOf, total, totalsByLabel, withLabel } from '../support/pprof.js';
import { AUTO, CLI, ROOT, run, start } from '../support/spawn.js';

const MAIN = 'Main Event Loop';
// By the CPU time used, not by the wall clock: a busy machine may give a program little of a second.
const BURN = `function burn(ms) {
  const end = process.cpuUsage().user + ms * 1000;
  while (process.cpuUsage().user < end) for (let i = 0; i < 1e5; i++) Math.sqrt(i);
}`;

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: the native sampler runs, and tells which engine and why`, async (t) => {
    const script = `
      const { Profiler } = require(${JSON.stringify(ROOT)});
      ${BURN}
      (async () => {
        const profiler = new Profiler({ exporters: [] }).start();
        burn(300);
        const { status } = profiler;
        const profile = await profiler.flush();
        const metrics = profiler.metrics();
        const last = await profiler.stop();
        console.log(JSON.stringify({ status, metrics, sequences: [profile.sequence, last.sequence], running: profiler.status.running }));
      })();`;
    const end = await run(path, ['-e', script]);
    t.is(end.stderr, '');
    const { status, metrics, sequences, running } = JSON.parse(end.stdout);
    t.true(['perf', 'ctimer', 'tick', 'itimer'].includes(status.start.engine), status.start.engine);
    t.true(status.start.reason.length > 0);
    t.true(
      status.threads.some(
        (thread: { name: string; threadId: number }) => thread.name === MAIN && thread.threadId === 0,
      ),
    );
    t.true(Object.values(metrics.counters).every((value) => typeof value === 'number'));
    t.true(metrics.handler.length > 0);
    t.deepEqual(sequences, [0, 1]);
    t.false(running);
  });

  for (const [how, script, code] of [
    ['process.exit()', 'burn(200); process.exit(42);', 42],
    ['an uncaught exception', 'burn(200); throw new Error("thrown by the program");', 1],
    ['an empty event loop', 'burn(200); process.exitCode = 3;', 3],
  ] as const) {
    test.serial(`Node.js ${major}: the last profile survives ${how}`, async (t) => {
      const folder = temporaryFolder(t);
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const end = await run(path, ['--require', AUTO, '-e', BURN + script], { env });
      t.is(end.code, code, end.stderr);
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1);
      t.true(shareOf(profiles, 'wall', 'burn', withLabel('thread name', MAIN)) > 0.5);
    });
  }

  test.serial(`Node.js ${major}: a profile on its way when the program ends is not lost`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `const { Profiler } = require(${JSON.stringify(ROOT)});
      ${BURN}
      const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'p'))} }).start();
      burn(200); profiler.flush();
      setImmediate(() => { burn(300); process.exit(); });`;
    const end = await run(path, ['-e', script]);
    t.is(end.code, 0, end.stderr);
    const profiles = profilesIn(folder).map(readProfile);
    t.is(profiles.length, 2);
    for (const profile of profiles) {
      t.true(shareOf([profile], 'cpu', 'burn', withLabel('thread name', MAIN)) > 0.5);
    }
  });

  test.serial(`Node.js ${major}: nor is one that stop() is making when the program ends`, async (t) => {
    for (const [when, end] of [
      ['at once', 'process.exit(7);'],
      ['while it is on its way', 'setImmediate(() => { burn(300); process.exit(7); });'],
    ] as const) {
      const folder = temporaryFolder(t);
      const script = `const { Profiler } = require(${JSON.stringify(ROOT)});
        ${BURN}
        const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'p'))} }).start();
        burn(200); profiler.stop();
        queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => { ${end} })));`;
      const { code, stderr } = await run(path, ['-e', script]);
      t.deepEqual([code, stderr], [7, ''], when);
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1, when);
      t.true(shareOf(profiles, 'cpu', 'burn', withLabel('thread name', MAIN)) > 0.5, when);
    }
  });

  test.serial(
    `Node.js ${major}: a signal without a listener ends the program by that signal, with its profile`,
    async (t) => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        const folder = temporaryFolder(t);
        const script = `${BURN} burn(200); console.log('ready'); setInterval(() => {}, 1000);`;
        const running = start(path, ['--require', AUTO, '-e', script], {
          env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
        });
        await running.said('ready');
        running.child.kill(signal);
        const end = await running.ended;
        t.is(end.signal, signal, end.stderr);
        const profiles = profilesIn(folder).map(readProfile);
        t.is(profiles.length, 1, signal);
        t.true(shareOf(profiles, 'cpu', 'burn', withLabel('thread name', MAIN)) > 0.5, signal);
      }
    },
  );

  test.serial(`Node.js ${major}: a signal with a listener is the program's alone`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `process.on('SIGTERM', () => { console.log('heard'); process.exit(5); });
      setInterval(() => {}, 1000); console.log('ready');`;
    const running = start(process.execPath, [CLI, 'run', '--output', 'out', path, '-e', script], {
      cwd: folder,
    });
    await running.said('ready');
    running.child.kill('SIGTERM');
    const end = await running.ended;
    t.deepEqual([end.code, end.stdout], [5, 'ready\nheard\n']);
    t.is(profilesIn(join(folder, 'out')).length, 1);
  });

  test.serial(`Node.js ${major}: workers join whatever their options, by preload and by hand`, async (t) => {
    const worker = `${BURN} burn(500);`;
    const options = ['{}', '{ env: {} }', '{ execArgv: [] }', '{ env: SHARE_ENV }'];
    const script = `
      const { Worker, SHARE_ENV } = require('node:worker_threads');
      for (const options of [${options.join(', ')}]) new Worker(${JSON.stringify(worker)}, { ...options, eval: true });`;
    const byHand = `new (require(${JSON.stringify(ROOT)}).Profiler)().start();`;
    for (const [way, args] of [
      ['preload', ['--require', AUTO, '-e', script]],
      ['by hand', ['-e', byHand + script]],
    ] as const) {
      const folder = temporaryFolder(t);
      const end = await run(path, [...args], { env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') } });
      t.deepEqual([end.code, end.stderr], [0, ''], way);
      const profiles = profilesIn(folder).map(readProfile);
      for (const index of options.keys()) {
        const filter = withLabel('thread name', `Worker #${index + 1} Event Loop`);
        // Four workers start at once on few cores, so a good part of each life is its start.
        t.true(shareOf(profiles, 'wall', 'burn', filter) > 0.3, `${way}, worker ${index + 1}`);
      }
    }
  });

  test.serial(`Node.js ${major}: the CPU time in the files is the process's`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `${BURN} burn(1000); const { user, system } = process.cpuUsage(); console.log((user + system) * 1000);`;
    const before = 'const before = process.cpuUsage(); console.log((before.user + before.system) * 1000);';
    const end = await run(path, ['--require', AUTO, '-e', before + script], {
      env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), DD_PROFILING_UPLOAD_INTERVAL: '0.3' },
    });
    const [first, last] = end.stdout.trim().split('\n').map(Number) as [number, number];
    const profiles = profilesIn(folder).map(readProfile);
    t.true(profiles.length >= 1);
    const cpu = total(profiles, 'cpu');
    // What the process used before the profiler began is not in it, what it used after the program's last look is.
    t.true(cpu >= (last - first) * 0.97 && cpu <= last * 1.1, `${cpu} of ${first} to ${last}`);
    t.true((totalsByLabel(profiles, 'cpu', 'thread name').get(MAIN) ?? 0) / cpu > 0.5);
  });
}
