import { join } from 'node:path';
import test from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const ENTRY = JSON.stringify(ROOT);
const INSPECTOR = { EVERFLAME_ENGINE: 'inspector' };

function evaluate(script: string, env: Record<string, string> = {}, node = process.execPath) {
  return run(node, ['-e', `const { Profiler } = require(${ENTRY}); ${BURN} ${script}`], {
    env: { ...INSPECTOR, ...env },
  });
}

test.serial('the profiler starts, stops and starts again, in one object and in a new one', async (t) => {
  for (const { major, path } of testNodes()) {
    const end = await evaluate(
      `(async () => {
        const said = [];
        for (const profiler of [new Profiler({ exporters: [] }), new Profiler({ exporters: [] })]) {
          for (let round = 0; round < 2; round++) {
            said.push(profiler.status.running);
            profiler.start();
            said.push(profiler.status.running);
            burn(60);
            const profile = await profiler.stop();
            said.push(profiler.status.running, profile.samples > 0, profile.endNanoseconds > profile.startNanoseconds);
          }
        }
        console.log(JSON.stringify(said));
      })();`,
      {},
      path,
    );
    const round = [false, true, false, true, true];
    t.deepEqual(JSON.parse(end.stdout), [...round, ...round, ...round, ...round], major + end.stderr);
    t.is(end.stderr, '', major);
    t.is(end.code, 0, major);
  }
});

test.serial('a program goes on whatever its options and its logger do', async (t) => {
  const end = await evaluate(
    `const fail = () => { throw new Error('of the program'); };
     const rejecting = Object.fromEntries(['error', 'warn', 'info', 'debug'].map((level) => [level, async () => fail()]));
     for (const logger of [rejecting, 'none']) new Profiler({ exporters: [], rate: -1, logger });
     new Profiler({ exporters: [], get tags() { return fail(); } });
     new Profiler(new Proxy({}, { ownKeys: fail, get: fail }));
     new Profiler({ engine: { toString: fail } });
     setTimeout(() => console.log('goes on'), 10);`,
  );
  t.deepEqual([end.code, end.stdout], [0, 'goes on\n'], end.stderr);
  const said = [...end.stderr.matchAll(/^everflame: warn: (The options? .*?(?= is | must| cannot| of))/gm)];
  t.deepEqual(
    said.map(([, what]) => what),
    [
      'The option "logger"',
      'The option "rate"',
      'The option "tags"',
      'The options of a Profiler',
      'The option "engine"',
    ],
    end.stderr,
  );
});

test.serial('status.failure says why a start was refused, and is gone with one that was not', async (t) => {
  const end = await evaluate(
    `const off = new Profiler({ exporters: [], wall: false, cpu: false }).start();
     const one = new Profiler({ exporters: [] }).start();
     const other = new Profiler({ exporters: [] }).start();
     const was = other.status.failure;
     one.start();
     one.stop().then(() => {
       other.start();
       console.log(JSON.stringify([off.status.failure, was, one.status.failure, other.status.failure ?? null]));
     });`,
  );
  const [off, refused, ...others] = JSON.parse(end.stdout) as (string | null)[];
  t.regex(off ?? '', /^wall time and CPU time are both switched off, .* to true$/);
  t.regex(refused ?? '', /^another profiler is running in this process .* Stop the other first$/);
  t.deepEqual(others, [null, null]);
});

test.serial('a second stop, and a stop without a start, do nothing', async (t) => {
  const end = await evaluate(
    `(async () => {
      const profiler = new Profiler({ exporters: [] });
      console.log(await profiler.stop(), await profiler.flush());
      profiler.start();
      const [first, second] = await Promise.all([profiler.stop(), profiler.stop()]);
      console.log(first === undefined, second);
    })();`,
  );
  t.is(end.stdout, 'undefined undefined\nfalse undefined\n');
  t.is(end.stderr, '');
});

test.serial('a second profiler is refused with one error line and the first goes on', async (t) => {
  const end = await evaluate(
    `(async () => {
      const first = new Profiler({ exporters: [] }).start();
      const second = new Profiler({ exporters: [] }).start();
      console.log(first.status.running, second.status.running);
      first.start();
      burn(60);
      console.log((await first.stop()).samples > 0);
    })();`,
  );
  t.is(end.stdout, 'true false\ntrue\n');
  const lines = end.stderr.trimEnd().split('\n');
  t.is(lines.length, 2);
  t.regex(lines[0] ?? '', /^everflame: error: another profiler is running .* Stop the other first\.$/);
  t.regex(lines[1] ?? '', /^everflame: error: this profiler is running already; it goes on\.$/);
});

test.serial(
  'a start while a stop is under way is refused with a line that says so, and works after it',
  async (t) => {
    const end = await evaluate(
      `(async () => {
      const [first, second] = [new Profiler({ exporters: [] }), new Profiler({ exporters: [] })];
      first.start();
      const stopped = first.stop();
      first.start();
      second.start();
      console.log((await stopped) !== undefined, first.status.running, second.status.running);
      console.log(second.start().status.running);
      // The first of two stops is done before the second one has its turn: what is started then goes on.
      const [one, two] = [second.stop(), second.stop()];
      await one;
      second.start();
      console.log(await two, second.status.running);
    })();`,
    );
    t.is(end.stdout, 'true false false\ntrue\nundefined true\n');
    t.is(
      end.stderr,
      'everflame: error: this profiler is stopping; it is not started. Await the promise of stop() first.\n' +
        'everflame: error: another profiler is stopping; this one is not started. Await the promise of stop() first.\n',
    );
  },
);

test.serial('a second copy of the package is refused too', async (t) => {
  const end = await evaluate(
    `new Profiler({ exporters: [] }).start();
     for (const name of Object.keys(require.cache)) delete require.cache[name];
     const copy = require(${ENTRY});
     console.log(copy.Profiler === Profiler, new copy.Profiler({ exporters: [] }).start().status.running);`,
  );
  t.is(end.stdout, 'false false\n');
  t.regex(end.stderr, /another profiler is running/);
});

test.serial('the process ends by itself while a profiler runs', async (t) => {
  const end = await evaluate(
    `new Profiler({ period: 0.1, exporters: [] }).start(); setTimeout(() => console.log('done'), 50);`,
  );
  t.is(end.stdout, 'done\n');
  t.is(end.code, 0);
});

test.serial(
  'a program that awaits its profile gets it, though nothing else keeps the process alive',
  async (t) => {
    const end = await run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { Profiler } from 'everflame';
       const profiler = new Profiler({ exporters: [] }).start();
       const flushed = await profiler.flush();
       const stopped = await profiler.stop();
       console.log(flushed.data.length > 0, stopped.data.length > 0);`,
      ],
      { env: INSPECTOR, cwd: ROOT },
    );
    t.is(end.stdout, 'true true\n', end.stderr);
    t.is(end.code, 0);
  },
);

test.serial('named imports work in modules, and the preload by its name', async (t) => {
  const folder = temporaryFolder(t);
  const script = `import { Profiler, EverflameError } from 'everflame'; console.log(typeof Profiler, typeof EverflameError);`;
  for (const { major, path } of testNodes()) {
    for (const flag of ['--import', '--require']) {
      const end = await run(path, [flag, 'everflame/auto', '--input-type=module', '-e', script], {
        cwd: ROOT,
        env: { ...INSPECTOR, DD_PROFILING_OUTPUT_PPROF: join(folder, major + flag, 'p') },
      });
      t.is(end.stdout, 'function function\n', major + flag + end.stderr);
      t.is(profilesIn(join(folder, major + flag)).length, 1, major + flag);
    }
  }
});

test.serial('a profile is written every period, numbered and whole', async (t) => {
  const folder = temporaryFolder(t);
  const end = await evaluate(
    `new Profiler({ output: ${JSON.stringify(join(folder, 'deep', 'p'))}, period: 0.2 }).start();
     let rounds = 0;
     const timer = setInterval(() => { burn(20); if (++rounds === 30) clearInterval(timer); }, 1);`,
  );
  t.is(end.stderr, '');
  const files = profilesIn(join(folder, 'deep'));
  t.true(files.length >= 3, `${files.length} files`);
  // As text the tenth would come before the second, and a slow machine makes so many.
  t.deepEqual(
    files.map((file) => file.slice(join(folder, 'deep').length + 1)).sort(),
    files.map((_, index) => `p.${end.pid}.${index}.wall.pprof`).sort(),
  );
  const profiles = files.map(readProfile);
  const wall = total(profiles, 'wall');
  const covered = profiles.reduce((sum, profile) => sum + profile.durationNanoseconds, 0);
  t.true(Math.abs(wall - covered) < covered * 0.01, `${wall} of ${covered}`);
  t.true(wall > 500e6, `${wall}`);
});

test.serial('flush and stop hand out the profile that is written', async (t) => {
  const folder = temporaryFolder(t);
  const end = await evaluate(
    `(async () => {
      const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'p'))} }).start();
      burn(60);
      const [one, two] = [await profiler.flush(), (burn(60), await profiler.stop())];
      const { files } = profiler.metrics();
      console.log(JSON.stringify([one.data.length, two.data.length, files]));
    })();`,
  );
  const [one, two, written] = JSON.parse(end.stdout) as [number, number, { written: number; bytes: number }];
  const { statSync } = await import('node:fs');
  t.deepEqual(
    profilesIn(folder).map((path) => statSync(path).size),
    [one, two],
  );
  t.like(written, { written: 2, bytes: one + two, failures: 0 });
});

test.serial('metrics() after stop() counts the profile that stop() made', async (t) => {
  const end = await evaluate(
    `(async () => {
      const profiler = new Profiler({ exporters: [] }).start();
      burn(60);
      const { samples } = await profiler.stop();
      const { counters } = profiler.metrics();
      console.log(samples > 0, counters.profiles, counters.samples === samples);
    })();`,
  );
  t.is(end.stdout, 'true 1 true\n', end.stderr);
});

test.serial(
  'the engine is asked for its counters once a flush, also where the profile is sent',
  async (t) => {
    const end = await evaluate(
      `const profiler = new Profiler({ url: 'http://127.0.0.1:9' }).start();
     const { engine } = profiler;
     const { metrics } = engine;
     let asked = 0;
     engine.metrics = () => (asked++, metrics.call(engine));
     burn(60);
     profiler.flush().then(({ samples }) => console.log(samples > 0, asked));`,
      { EVERFLAME_SPOOL_DIR: temporaryFolder(t) },
    );
    t.is(end.stdout, 'true 1\n', end.stderr);
  },
);

test.serial('an output that ends with a slash is a folder', async (t) => {
  const folder = temporaryFolder(t);
  const end = await evaluate(
    `const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'deep', '/'))} }).start();
     console.log(profiler.status.output);`,
  );
  t.is(end.stdout, `${join(folder, 'deep', 'profile')}\n`, end.stderr);
  t.is(profilesIn(join(folder, 'deep')).length, 1);
});

/** What a program sees that calls `start()` where nothing can be started, and goes on. */
const WITHOUT = `const refused = (options) => {
    const profiler = new Profiler(options).start();
    const { running, failure, output, start } = profiler.status;
    console.log(JSON.stringify([running, output, start, profiler.metrics().files.written]));
    console.log(failure);
    return profiler;
  };
  process.exitCode = 6;`;

for (const { major, path } of testNodes()) {
  for (const engine of ['auto', 'inspector']) {
    test.serial(
      `Node.js ${major}, ${engine}: below a working directory that is gone one line says what to write, and the program runs`,
      async (t) => {
        const folder = temporaryFolder(t);
        const elsewhere = temporaryFolder(t);
        const script = `${WITHOUT} process.chdir(${JSON.stringify(folder)});
        require('node:fs').rmdirSync(${JSON.stringify(folder)});
        const profiler = refused({ output: 'out/p' });
        refused();
        process.chdir(${JSON.stringify(elsewhere)});
        const { running, failure, output } = profiler.start().status;
        console.log(running, failure, output);
        profiler.stop().then(() => console.log('stopped'));`;
        const env = { EVERFLAME_ENGINE: engine, DD_PROFILING_OUTPUT_PPROF: 'by/environment' };
        const end = await evaluate(script, env, path);
        t.is(end.code, 6, end.stderr);
        const reason = (output: string): string =>
          `the output ${output} is below a working directory that is gone (ENOENT: ${uvCwd}). Name it by its whole path, from / on`;
        const uvCwd = /ENOENT: (.*?)\)/.exec(end.stderr)?.[1] ?? '';
        const said = ['out/p', 'by/environment'].map(reason);
        t.deepEqual(end.stdout.split('\n'), [
          ...said.flatMap((text) => ['[false,null,null,0]', text]),
          `true undefined ${join(elsewhere, 'out', 'p')}`,
          'stopped',
          '',
        ]);
        t.deepEqual(end.stderr.split('\n'), [
          ...said.map((text) => `everflame: error: ${text}. The program runs without a profiler.`),
          '',
        ]);
      },
    );
  }

  test.serial(
    `Node.js ${major}: where neither engine can start, one line says so, and the program runs`,
    async (t) => {
      const library = join(temporaryFolder(t), 'missing.node');
      const script = `${WITHOUT} const Module = require('node:module'); const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name === 'node:inspector') throw new Error('Inspector is not available');
        return load(name, ...rest);
      };
      const profiler = refused({ engine: 'auto' });
      Promise.all([profiler.flush(), profiler.stop()]).then((profiles) => console.log(...profiles));`;
      const env = { EVERFLAME_ENGINE: '', NAPI_RS_NATIVE_LIBRARY_PATH: library };
      const end = await evaluate(script, env, path);
      t.is(end.code, 6, end.stderr);
      const [seen, failure = '', promised, ...rest] = end.stdout.split('\n');
      t.deepEqual([seen, promised, rest], ['[false,null,null,0]', 'undefined undefined', ['']]);
      t.true(failure.includes(`Let it name an everflame.linux-`) && failure.includes(library), failure);
      t.true(failure.endsWith('cannot start either (Inspector is not available)'), failure);
      t.is(end.stderr, `everflame: error: ${failure}. The program runs without a profiler.\n`);
    },
  );

  test.serial(
    `Node.js ${major}: an engine that the environment names and that cannot start is one line; the program runs`,
    async (t) => {
      const library = join(temporaryFolder(t), 'missing.node');
      const env = { EVERFLAME_ENGINE: 'tick', NAPI_RS_NATIVE_LIBRARY_PATH: library };
      const end = await evaluate(`${WITHOUT} refused({ rate: 50 });`, env, path);
      t.is(end.code, 6, end.stderr);
      const [seen, failure = ''] = end.stdout.split('\n');
      t.is(seen, '[false,null,null,0]');
      t.regex(failure, /^the engine tick cannot start: .*Let Everflame choose with --engine auto/);
      t.is(end.stderr, `everflame: error: ${failure}. The program runs without a profiler.\n`);
    },
  );
}

test.serial('output that cannot be written is one line at once, and the program goes on', async (t) => {
  const end = await evaluate(
    `new Profiler({ output: '/proc/nowhere/p', period: 0.1 }).start();
     console.log('started');
     let rounds = 0;
     const timer = setInterval(() => { burn(20); if (++rounds === 20) { clearInterval(timer); process.exitCode = 9; } }, 1);`,
  );
  t.is(end.code, 9);
  t.is(end.stdout, 'started\n');
  t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
  t.regex(
    end.stderr,
    /^everflame: error: cannot write profiles to \/proc\/nowhere\/p: .*DD_PROFILING_OUTPUT_PPROF.* The program goes on\.$/m,
  );
});

test.serial(
  'an engine that keeps failing is said once, and again after it worked; metrics() counts',
  async (t) => {
    const folder = temporaryFolder(t);
    const end = await evaluate(
      `const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'p'))}, period: 0.1 }).start();
     const { engine } = profiler;
     const until = (done) => new Promise((resolve) => {
       const timer = setInterval(() => { burn(5); if (done()) resolve(clearInterval(timer)); }, 5);
     });
     const failures = () => profiler.metrics().profiles.failures;
     (async () => {
       const flush = engine.flush;
       engine.flush = () => Promise.reject(new Error('nothing left'));
       await until(() => failures() >= 3);
       engine.flush = flush;
       const written = () => profiler.metrics().files.written;
       await until(() => written() >= 1);
       const before = failures();
       engine.flush = () => Promise.reject(new Error('nothing left'));
       await until(() => failures() >= before + 2);
       engine.flush = flush;
       await profiler.stop();
       console.log(failures() >= 5);
     })();`,
    );
    t.is(end.stdout, 'true\n', end.stderr);
    const line = 'everflame: error: a profile could not be made: nothing left. The program goes on.\n';
    t.is(end.stderr, line + line);
  },
);

for (const [how, script, code] of [
  ['process.exit()', 'burn(100); process.exit(42);', 42],
  ['an uncaught exception', 'burn(100); throw new Error("thrown by the program");', 1],
  ['an unhandled rejection', 'burn(100); Promise.reject(new Error("thrown by the program"));', 1],
  ['an empty event loop', 'burn(100); process.exitCode = 3;', 3],
] as const) {
  test.serial(`the last profile survives ${how}, and so does the exit code`, async (t) => {
    const folder = temporaryFolder(t);
    for (const { major, path } of testNodes()) {
      const prefix = join(folder, major, 'p');
      const end = await evaluate(
        `new Profiler({ output: ${JSON.stringify(prefix)} }).start(); ${script}`,
        {},
        path,
      );
      t.is(end.code, code, major);
      const files = profilesIn(join(folder, major));
      t.is(files.length, 1, major + end.stderr);
      t.true(total(files.map(readProfile), 'wall') > 80e6, major);
    }
  });
}

for (const end of ['', 'process.exit(3);']) {
  test.serial(
    `what exit listeners do is in the last profile${end && ', also after process.exit()'}`,
    async (t) => {
      const folder = temporaryFolder(t);
      // The profiler is there first, as with the preload.
      const script = `new Profiler({ output: ${JSON.stringify(join(folder, 'p'))} }).start();
      process.on('exit', function atExit() { burn(300); });
      setImmediate(() => { ${end} });`;
      const ended = await evaluate(script, { EVERFLAME_ENGINE: 'auto' });
      t.deepEqual([ended.code, ended.stderr], [end ? 3 : 0, '']);
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1);
      const inListener = total(profiles, 'wall', ({ frames }) =>
        frames.some(({ name }) => name === 'atExit'),
      );
      t.true(inListener > 100e6, `${inListener} ns`);
    },
  );
}

for (const [what, listener, code] of [
  ['exits', 'process.exit(5);', 5],
  ['throws', 'throw new Error("thrown by a listener");', 1],
  ['ends the process without further events', 'process.reallyExit(6);', 6],
] as const) {
  test.serial(`the last profile survives an exit listener that ${what}, and so does the end`, async (t) => {
    const folder = temporaryFolder(t);
    for (const { major, path } of testNodes()) {
      const prefix = join(folder, major, 'p');
      const script = `process.on('exit', function atExit() { burn(300); ${listener} });`;
      const plain = await evaluate(script, {}, path);
      const end = await evaluate(
        `new Profiler({ output: ${JSON.stringify(prefix)} }).start(); ${script}`,
        { EVERFLAME_ENGINE: 'auto' },
        path,
      );
      t.is(plain.code, end.code, major);
      t.true([code, 7].includes(end.code as number), `${major}: ${end.code}`);
      const files = profilesIn(join(folder, major)).map(readProfile);
      t.is(files.length, 1, major + end.stderr);
      const inListener = total(files, 'wall', ({ frames }) => frames.some(({ name }) => name === 'atExit'));
      t.true(inListener > 60e6, `${major}: ${inListener} ns`);
    }
  });
}

for (const { major, path } of testNodes()) {
  // Node.js 20 has no `process.execve`.
  if (Number(major) < 22) continue;

  for (const engine of ['auto', 'inspector']) {
    test.serial(
      `Node.js ${major}, ${engine}: the last profile is written before the process executes another program`,
      async (t) => {
        const folder = temporaryFolder(t, {
          'next.js': `${BURN} function inNext() { burn(100); } inNext();`,
          'app.js': `${BURN} function inFirst() { burn(100); } inFirst();
          const execute = () => process.execve(process.execPath, [process.execPath, '--require', ${JSON.stringify(AUTO)}, 'next.js'], process.env);
          // Where this fails it throws, from Node.js 26 on, and the program goes on; before, it ends the process.
          if (${Number(major) < 26}) execute();
          try { process.execve('/nowhere', []); } catch { setImmediate(() => { inFirst(); execute(); }); }`,
        });
        const env = { EVERFLAME_ENGINE: engine, DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p') };
        const end = await run(path, ['--no-warnings', '--require', AUTO, 'app.js'], { cwd: folder, env });
        t.is(end.code, 0, end.stderr);
        const files = profilesIn(join(folder, 'out'));
        const count = Number(major) >= 26 ? 3 : 2;
        t.deepEqual(
          files,
          Array.from({ length: count }, (_, number) =>
            join(folder, 'out', `p.${end.pid}.${number}.wall.pprof`),
          ),
        );
        const wall = (name: string, number: number): number =>
          total([readProfile(files[number] as string)], 'wall', ({ frames }) =>
            frames.some((frame) => frame.name === name),
          );
        for (let number = 0; number < count - 1; number++)
          t.true(wall('inFirst', number) > 60e6, `${number}`);
        t.true(wall('inNext', count - 1) > 60e6);
      },
    );
  }
}

for (const engine of ['auto', 'inspector']) {
  test.serial(
    `${engine}: a program that freezes \`process\` ends as it would, with its last profile`,
    async (t) => {
      const folder = temporaryFolder(t);
      const output = JSON.stringify(join(folder, 'p'));
      const end = await evaluate(
        `const profiler = new Profiler({ output: ${output} }).start(); Object.freeze(process); burn(60);`,
        { EVERFLAME_ENGINE: engine },
      );
      t.deepEqual([end.code, end.stderr], [0, '']);
      t.true(profilesIn(folder).length > 0);
      const stopped = await evaluate(
        `const profiler = new Profiler({ exporters: [] }).start(); Object.freeze(process); burn(60);
       profiler.stop().then((profile) => console.log(profile.samples > 0, profiler.status.running));`,
        { EVERFLAME_ENGINE: engine },
      );
      t.deepEqual([stopped.code, stopped.stdout, stopped.stderr], [0, 'true false\n', '']);
    },
  );
}

for (const [what, said] of [
  [
    "require('node:worker_threads')",
    /^everflame: warn: workers .* are not joined to the profile: .*'Worker'.*\n$/,
  ],
  ['process', /^everflame: warn: the last period is lost when the process ends: .*\n$/],
] as const) {
  test.serial(
    `where ${what} was frozen before the start, one line says what is missing and the rest runs`,
    async (t) => {
      const end = await evaluate(
        `require('node:worker_threads'); Object.freeze(${what}); const profiler = new Profiler({ exporters: [] }).start(); burn(60);
       const was = profiler.status.running;
       profiler.stop().then(({ samples }) => console.log(was, samples > 0, new Profiler({ exporters: [] }).start().status.running));`,
      );
      t.is(end.code, 0);
      t.is(end.stdout, 'true true true\n', end.stderr);
      t.regex(end.stderr.split(/(?<=\n)/)[0] ?? '', said);
    },
  );
}

test.serial('where worker_threads was frozen after the start, the profiler stops all the same', async (t) => {
  const end = await evaluate(
    `const profiler = new Profiler({ exporters: [] }).start(); burn(60); Object.freeze(require('node:worker_threads'));
     profiler.stop().then(({ samples }) => console.log(samples > 0, profiler.status.running, new Profiler({ exporters: [] }).start().status.running));`,
  );
  t.deepEqual([end.code, end.stdout.split('\n')[0]], [0, 'true false true'], end.stderr);
});

for (const [when, before, after] of [
  ['before the start', 'Object.freeze(globalThis);', ''],
  ['after the start', '', 'Object.freeze(globalThis);'],
] as const) {
  test.serial(
    `where globalThis was frozen ${when}, one profiler at a time starts, stops and starts again`,
    async (t) => {
      // In a timer: Node.js itself changes globalThis when it has run the text.
      const end = await evaluate(
        `setTimeout(async () => {
         ${before}
         const one = new Profiler({ exporters: [] });
         const other = new Profiler({ exporters: [] });
         const said = [one.start().status.running];
         ${after}
         burn(60);
         other.start();
         said.push((await one.stop()).samples > 0, one.status.running, other.start().status.running);
         burn(60);
         said.push((await other.stop()).samples > 0, one.start().status.running);
         burn(60);
         said.push((await one.stop()).samples > 0, one.status.running);
         console.log(said.join());
       });`,
      );
      t.deepEqual([end.code, end.stdout], [0, 'true,true,false,true,true,true,true,false\n'], end.stderr);
      t.regex(end.stderr, /^everflame: error: another profiler is running in this process .*\n$/);
    },
  );
}

for (const engine of ['auto', 'inspector']) {
  test.serial(`${engine}: a program that allows one listener of a kind has no warning of ours`, async (t) => {
    for (const { path } of testNodes()) {
      const end = await evaluate(
        `process.setMaxListeners(1); const profiler = new Profiler({ exporters: [] }).start(); process.on('exit', () => {});
         profiler.stop().then(() => console.log(process.getMaxListeners()));`,
        { EVERFLAME_ENGINE: engine },
        path,
      );
      t.deepEqual([end.code, end.stderr, end.stdout], [0, '', '1\n']);
    }
  });
}

for (const [what, change, limits] of [
  ['the default of all emitters', "require('node:events').defaultMaxListeners = 15;", '18 15'],
  ['what the program sets', 'process.setMaxListeners(20);', '20 20'],
  [
    'what the program saves and restores',
    'for (let i = 0; i < 9; i++) { const limit = process.getMaxListeners(); process.setMaxListeners(0); process.setMaxListeners(limit); } process.setMaxListeners(process.getMaxListeners() + 7);',
    '20 20',
  ],
] as const) {
  test.serial(`the limit of listeners follows ${what} after the start`, async (t) => {
    const end = await evaluate(
      `const profiler = new Profiler({ exporters: [] }).start(); ${change}
       for (let i = 0; i < 15; i++) process.on('exit', () => {});
       const limit = process.getMaxListeners();
       profiler.stop().then(() => console.log(limit, process.getMaxListeners()));`,
    );
    t.deepEqual([end.stderr, end.stdout], ['', `${limits}\n`]);
  });
}

for (const [when, before, after] of [
  ['before the start', 'process.setMaxListeners(0);', ''],
  ['after it', '', 'process.setMaxListeners(0);'],
] as const) {
  test.serial(`no limit of listeners, set ${when}, stays so`, async (t) => {
    const end = await evaluate(
      `${before} const profiler = new Profiler({ exporters: [] }).start(); ${after}
       for (let i = 0; i < 20; i++) process.on('exit', () => {});
       profiler.stop().then(() => console.log(process.getMaxListeners()));`,
    );
    t.is(end.stderr, '');
    t.is(end.stdout, '0\n');
  });
}

test.serial('a profiler that was stopped leaves the process as it was', async (t) => {
  const end = await evaluate(
    `const facts = () => [process.reallyExit, process.getMaxListeners(), ...process.eventNames().map((name) => process.listenerCount(name))];
     const before = facts();
     const profiler = new Profiler({ exporters: [] }).start();
     profiler.stop().then(() => console.log(facts().every((fact, index) => fact === before[index])));`,
  );
  t.is(end.stdout, 'true\n', end.stderr);
});

test.serial('a profiler adds no warning about listeners to a program with ten of its own', async (t) => {
  const end = await evaluate(
    `const profiler = new Profiler({ exporters: [] }).start();
     for (let i = 0; i < 10; i++) process.on('exit', () => {});
     profiler.stop().then(() => console.log(process.listenerCount('exit'), process.getMaxListeners()));`,
  );
  t.is(end.stderr, '');
  t.is(end.stdout, '10 10\n');
});

test.serial('a profiler in a worker is refused: the main thread has the one that sees workers', async (t) => {
  const end = await evaluate(
    `const { Worker } = require('node:worker_threads');
     new Worker('const { Profiler } = require(' + ${JSON.stringify(ENTRY)} + '); console.log(new Profiler({ exporters: [] }).start().status.running)', { eval: true });`,
  );
  t.is(end.stdout, 'false\n');
  t.regex(end.stderr, /is started on the main thread/);
});
