import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, shareOf, total, withLabel } from '../support/pprof.js';
import { AUTO, ROOT, run, start } from '../support/spawn.js';

const MAIN = withLabel('thread name', 'Main Event Loop');
/** Says so when asked to, then never returns to its event loop. */
const BLOCKED = `${BURN} console.log('ready'); setImmediate(() => { for (;;) burn(1000); });`;

for (const { major, path } of testNodes()) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test.serial(
      `Node.js ${major}: a blocked event loop dies by ${signal}, and its profile is there`,
      async (t) => {
        const folder = temporaryFolder(t);
        const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
        const program = start(path, ['--require', AUTO, '-e', BLOCKED], { env });
        await program.said('ready');
        // Some of the block is to be in the profile: the kernel says when.
        await usedCpu(program.child.pid ?? 0, 300);
        program.child.kill(signal);
        const end = await program.ended;
        t.is(end.signal, signal, end.stderr);
        t.is(end.stderr, '');
        const profiles = profilesIn(folder).map(readProfile);
        t.is(profiles.length, 1);
        t.true(shareOf(profiles, 'cpu', 'burn', MAIN) > 0.5);
      },
    );
  }

  test.serial(`Node.js ${major}: SIGINT sent again and again ends the program by SIGINT`, async (t) => {
    const folder = temporaryFolder(t);
    const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
    const program = start(path, ['--require', AUTO, '-e', BLOCKED], { env });
    await program.said('ready');
    for (let sent = 0; sent < 5; sent++) program.child.kill('SIGINT');
    t.is((await program.ended).signal, 'SIGINT');
    // The second one does not wait for the file, which is whole or not there.
    t.notThrows(() => profilesIn(folder).map(readProfile));
  });

  for (const [when, listen] of [
    ['before the profiler', (listener: string, begin: string) => listener + begin],
    ['after it', (listener: string, begin: string) => begin + listener],
  ] as const) {
    test.serial(`Node.js ${major}: a listener added ${when} is the only one that hears`, async (t) => {
      const folder = temporaryFolder(t);
      const begin = `new (require(${JSON.stringify(ROOT)}).Profiler)().start();`;
      const listener = `let heard = 0;
        for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => {
          console.log('heard', name);
          if (++heard === 2) { burn(50); process.exit(12); }
        });`;
      const script = `${BURN} ${listen(listener, begin)} burn(50); console.log('ready'); setInterval(() => {}, 1000);`;
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const program = start(path, ['-e', script], { env });
      await program.said('ready');
      program.child.kill('SIGTERM');
      await program.said('heard SIGTERM');
      program.child.kill('SIGHUP');
      const end = await program.ended;
      t.deepEqual([end.code, end.signal, end.stderr], [12, null, '']);
      t.is(end.stdout, 'ready\nheard SIGTERM\nheard SIGHUP\n');
      t.is(profilesIn(folder).length, 1);
    });
  }

  for (const [what, listen] of [
    ['in a listener for one time', "process.once('SIGTERM', again);"],
    [
      'after its listener was removed',
      "process.on('SIGTERM', function listener() { process.off('SIGTERM', listener); again(); });",
    ],
    ['by a turn of the event loop later', "process.once('SIGTERM', () => setImmediate(again));"],
    [
      'with a listener that came and went',
      "process.on('SIGTERM', again); process.removeAllListeners('SIGTERM');",
    ],
    ['without a listener', ''],
  ] as const) {
    test.serial(
      `Node.js ${major}: a program that sends itself SIGTERM ${what} ends there, with its profile`,
      async (t) => {
        const folder = temporaryFolder(t);
        const script = `${BURN} burn(100);
        function again() { process.kill(process.pid, 'SIGTERM'); console.log('after'); }
        ${listen} process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`;
        const plain = await run(path, ['-e', script]);
        const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
        const end = await run(path, ['--require', AUTO, '-e', script], { env });
        t.deepEqual([end.signal, end.stdout, end.stderr], [plain.signal, plain.stdout, '']);
        t.is(end.signal, 'SIGTERM');
        t.is(end.stdout, '');
        const profiles = profilesIn(folder).map(readProfile);
        t.is(profiles.length, 1);
        t.true(shareOf(profiles, 'cpu', 'burn', MAIN) > 0.3);
      },
    );
  }

  test.serial(
    `Node.js ${major}: a program that never returns to its event loop leaves what is overdue to SIGKILL`,
    async (t) => {
      const folder = temporaryFolder(t);
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), DD_PROFILING_UPLOAD_PERIOD: '0.5' };
      const program = start(path, ['--require', AUTO, '-e', BLOCKED], { env });
      await program.said('ready');
      await waitFor(() => profilesIn(folder).length >= 2);
      program.child.kill('SIGKILL');
      t.is((await program.ended).signal, 'SIGKILL');
      const profiles = profilesIn(folder).map(readProfile);
      t.true(shareOf(profiles, 'cpu', 'burn', MAIN) > 0.5);
    },
  );

  // With the least that the main thread did under the profiler, in milliseconds.
  for (const [what, script, least] of [
    [
      "libuv's pool has no thread for it",
      `const { pbkdf2 } = require('node:crypto');
       const again = () => pbkdf2('a', 'b', 400_000, 64, 'sha512', again);
       for (let i = 0; i < 16; i++) again();
       // By the time that passes: the pool has the cores.
       const end = Date.now() + 300;
       while (Date.now() < end);
       profiler.flush();
       setTimeout(() => console.log('ready'), 300);`,
      590,
    ],
    [
      'the event loop has no turn for it after stop()',
      `burn(300);
       profiler.stop();
       console.log('ready');
       setImmediate(() => { for (;;) burn(1000); });`,
      290,
    ],
  ] as const) {
    test.serial(
      `Node.js ${major}: a profile that is made is there after SIGTERM, also where ${what}`,
      async (t) => {
        const folder = temporaryFolder(t);
        const begin = `const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)().start();`;
        const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
        const program = start(path, ['-e', `${BURN} ${begin} ${script}`], { env });
        await program.said('ready');
        program.child.kill('SIGTERM');
        t.is((await program.ended).signal, 'SIGTERM');
        const profiles = profilesIn(folder).map(readProfile);
        const wall = total(profiles, 'wall', MAIN) / 1e6;
        t.true(wall >= least, `${wall} ms in ${profiles.length} profiles`);
      },
    );
  }

  test.serial(
    `Node.js ${major}: a program that stops the profiler in its listener, and then sends itself the signal, leaves its profile`,
    async (t) => {
      const folder = temporaryFolder(t);
      // The pool has no thread for the file.
      const script = `const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)().start();
        ${BURN} burn(100);
        const { pbkdf2 } = require('node:crypto');
        const again = () => pbkdf2('a', 'b', 400_000, 64, 'sha512', again);
        for (let i = 0; i < 16; i++) again();
        process.on('SIGTERM', function listener() {
          profiler.stop();
          setTimeout(() => { process.off('SIGTERM', listener); process.kill(process.pid, 'SIGTERM'); }, 50);
        });
        process.kill(process.pid, 'SIGTERM');`;
      const end = await run(path, ['-e', script], { env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') } });
      t.is(end.signal, 'SIGTERM', end.stderr);
      t.is(profilesIn(folder).length, 1);
    },
  );

  test.serial(
    `Node.js ${major}: no profile is written again after somebody has taken its file away`,
    async (t) => {
      const folder = temporaryFolder(t);
      const script = `const { mkdirSync, renameSync, readdirSync } = require('node:fs');
        mkdirSync('taken');
        const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)().start();
        ${BURN} burn(200);
        // It is handed out, and this thread comes to it after the sampler.
        profiler.flush();
        setImmediate(() => {
          const first = (folder) => readdirSync(folder).filter((name) => name.endsWith('.0.wall.pprof')).length;
          const end = Date.now() + 30_000;
          while (first('taken') === 0 && Date.now() < end) {
            for (const name of readdirSync('.')) if (name.endsWith('.pprof')) renameSync(name, 'taken/' + name);
          }
          setTimeout(() => console.log(first('taken'), first('.')), 300);
        });`;
      // Late is what is not written for a second; a busy machine takes longer.
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), DD_PROFILING_UPLOAD_PERIOD: '2' };
      const end = await run(path, ['-e', script], { cwd: folder, env });
      t.is(end.stdout, '1 0\n', end.stderr);
    },
  );

  test.serial(`Node.js ${major}: SIGINT is guarded again after vm has handled it`, async (t) => {
    const folder = temporaryFolder(t);
    const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
    // The sampler looks once a second.
    const script = `${BURN} require('node:vm').runInNewContext('1', {}, { breakOnSigint: true });
        burn(2500); console.log('ready'); setInterval(() => {}, 1000);`;
    const program = start(path, ['--require', AUTO, '-e', script], { env });
    await program.said('ready');
    program.child.kill('SIGINT');
    t.is((await program.ended).signal, 'SIGINT');
    t.is(profilesIn(folder).length, 1);
  });

  test.serial(`Node.js ${major}: process.exit() in a worker ends the worker`, async (t) => {
    const folder = temporaryFolder(t);
    const worker = `${BURN} burn(100); process.exit(5);`;
    const script = `${BURN}
      new (require('node:worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true })
        .on('exit', (code) => { console.log('worker', code); burn(100); process.exitCode = 6; });`;
    const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
    const end = await run(path, ['--require', AUTO, '-e', script], { env });
    t.deepEqual([end.code, end.stdout, end.stderr], [6, 'worker 5\n', '']);
    const profiles = profilesIn(folder).map(readProfile);
    t.true(total(profiles, 'cpu', withLabel('thread name', 'Worker #1 Event Loop')) > 90e6);
  });

  for (const [what, script, code] of [
    ['an uncaught exception', 'throw new TypeError("of the program");', 1],
    ['an unhandled rejection', 'Promise.reject(new Error("of the program"));', 1],
    // Node.js ends without its event "exit" there.
    [
      'an exception in the handler of exceptions',
      'process.on("uncaughtException", () => { throw new Error("again"); }); throw new Error("first");',
      7,
    ],
  ] as const) {
    test.serial(`Node.js ${major}: ${what} ends with the code and the text it has without us`, async (t) => {
      const folder = temporaryFolder(t, { 'program.cjs': `${BURN} burn(100); ${script}` });
      const file = join(folder, 'program.cjs');
      const plain = await run(path, [file]);
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const profiled = await run(path, ['--require', AUTO, file], { env });
      t.deepEqual([plain.code, profiled.code], [code, code]);
      t.is(profiled.stderr, plain.stderr);
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1);
      t.true(total(profiles, 'cpu') > 90e6);
    });
  }

  for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGUSR2', 'SIGVTALRM', 'SIGPROF'] as const) {
    test.serial(
      `Node.js ${major}: ${signal} that the program sends itself ends it as without us`,
      async (t) => {
        const folder = temporaryFolder(t);
        // Nothing of the signal may be lost: it is sent once.
        const script = `${BURN} burn(60); process.kill(process.pid, '${signal}'); burn(2000);`;
        const plain = await run(path, ['-e', script]);
        const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), EVERFLAME_RATE: '5000' };
        const profiled = await run(path, ['--require', AUTO, '-e', script], { env });
        t.deepEqual([profiled.code, profiled.signal], [plain.code, plain.signal]);
        t.is(profiled.signal, signal);
      },
    );
  }

  test.serial(`Node.js ${major}: SIGKILL leaves whole profiles only`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `${BURN}
      const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)({ output: ${JSON.stringify(join(folder, 'p'))} }).start();
      (async () => { for (let n = 1; ; n++) { burn(25); await profiler.flush(); if (n === 20) console.log('ready'); } })();`;
    // A period shorter than the sampling interval may have no sample, and then no file.
    const program = start(path, ['-e', script]);
    await program.said('ready');
    program.child.kill('SIGKILL');
    t.is((await program.ended).signal, 'SIGKILL');
    const files = profilesIn(folder);
    t.true(files.length >= 20, readdirSync(folder).join(' '));
    t.notThrows(() => files.map(readProfile));
  });

  test.serial(`Node.js ${major}: V8 without memory leaves the periods that were over`, async (t) => {
    const folder = temporaryFolder(t);
    // Memory is used up from the first file on.
    const script = `${BURN}
      const kept = [];
      (function turn() {
        burn(25);
        const written = require('node:fs').readdirSync(${JSON.stringify(folder)}).some((name) => name.endsWith('.pprof'));
        if (written) for (;;) kept.push(new Array(10_000).fill(kept.length));
        setImmediate(turn);
      })();`;
    const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), DD_PROFILING_UPLOAD_INTERVAL: '1' };
    // What it leaves of its memory is nobody's business.
    const words = [
      'ulimit -c 0; exec "$0" "$@"',
      path,
      '--max-old-space-size=64',
      '--require',
      AUTO,
      '-e',
      script,
    ];
    const end = await run('sh', ['-c', ...words], { env });
    t.is(end.signal, 'SIGABRT', end.stderr);
    t.regex(end.stderr, /JavaScript heap out of memory/);
    const profiles = profilesIn(folder).map(readProfile);
    t.true(profiles.length >= 1);
    t.true(shareOf(profiles.slice(0, 1), 'cpu', 'burn', MAIN) > 0.5);
  });
}

/** Settles when a condition has come true. */
async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await pause(50);
  }
}

/** Settles when a process has used so many milliseconds of CPU time (utime of /proc/<pid>/stat, in ticks of 10 ms). */
async function usedCpu(pid: number, milliseconds: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    if (Number(fields[11]) * 10 >= milliseconds) return;
    if (performance.now() > deadline) throw new Error(`process ${pid} does not use CPU time`);
    // Asking all the time would take the core from the program that is to use it.
    await pause(10);
  }
}
