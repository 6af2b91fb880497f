import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total, totalsByLabel } from '../support/pprof.js';
import type { DatadogUpload } from '../support/receivers/datadog.js';
import { AUTO, type Ended, ROOT, run, start } from '../support/spawn.js';
import { cpuOf, spooled, startAgent, type TestAgent } from './support/agent.js';

const ENTRY = JSON.stringify(ROOT);
const CONTROL = JSON.stringify(join(ROOT, 'dist', 'src', 'control.js'));
const BY_HAND = JSON.stringify(AUTO);

/** Burns for so long, switched on; and for so long, switched off. Primes. */
const ON_MILLISECONDS = 101;
const OFF_MILLISECONDS = 607;
/** CPU time that a profile may have beside that: of the delivery thread, and of the program's start. */
const SLACK_MILLISECONDS = 540;

const PRELUDE = `${BURN}
  const { writeSync } = require('node:fs');
  const say = (...words) => writeSync(1, words.map(String).join(' ') + '\\n');
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

/** Runs the body of an asynchronous function. */
function evaluate(
  path: string,
  body: string,
  env: Record<string, string>,
  flags: string[] = [],
): Promise<Ended> {
  return run(path, [...flags, '-e', `${PRELUDE} (async () => { ${body} })();`], { env });
}

/** What came, by the numbers of profiles, of one process. */
function arrived(t: ExecutionContext, { receiver, spool }: TestAgent, { pid }: Ended): DatadogUpload[] {
  t.deepEqual(receiver.violations, []);
  t.deepEqual(spooled(spool), []);
  const { received } = receiver;
  t.true(received.every(({ tags }) => tags.get('process_id') === String(pid)));
  const ids = new Set(received.map(({ tags }) => tags.get('runtime-id')));
  t.true(ids.size <= 1);
  const sequences = received.map(({ tags }) => Number(tags.get('profile_seq')));
  t.deepEqual(
    sequences,
    sequences.map((_, index) => index),
  );
  return received;
}

function isAbout(t: ExecutionContext, upload: DatadogUpload | undefined, milliseconds: number): void {
  const found = upload ? cpuOf(upload) : Number.NaN;
  t.log(`${found.toFixed(1)} ms of ${milliseconds}`);
  t.true(found >= milliseconds * 0.97 && found <= milliseconds + SLACK_MILLISECONDS, `${found} ms`);
}

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: everflame/control switches off and on, with a profile each time and nothing of the time between`,
    async (t) => {
      const agent = await startAgent(t);
      const ended = await evaluate(
        path,
        `const control = require(${CONTROL});
        say(control.status().running);
        burn(${ON_MILLISECONDS});
        const first = await control.stop();
        say(control.status().running, first.samples > 0, await control.flush(), await control.stop());
        burn(${OFF_MILLISECONDS});
        say(control.start().running, control.start().running);
        burn(${ON_MILLISECONDS});
        const second = await control.flush();
        say(second.samples > 0);
        burn(${ON_MILLISECONDS});`,
        agent.env,
        ['--require', AUTO],
      );
      t.is(ended.stderr, '');
      t.is(ended.stdout, 'true\nfalse true undefined undefined\ntrue true\ntrue\n');
      const uploads = arrived(t, agent, ended);
      t.deepEqual(
        uploads.map(({ tags }) => tags.get('snapshot')),
        ['on_shutdown', 'periodic', 'on_shutdown'],
      );
      for (const upload of uploads) isAbout(t, upload, ON_MILLISECONDS);
    },
  );

  test.serial(`Node.js ${major}: each signal of EVERFLAME_TOGGLE_SIGNAL switches off and on`, async (t) => {
    const agent = await startAgent(t);
    const env = { ...agent.env, EVERFLAME_TOGGLE_SIGNAL: 'sigusr2' };
    const script = `${PRELUDE}
      const running = () => Boolean(globalThis[Symbol.for('everflame.running')]);
      const toggled = async () => {
        const before = running();
        process.kill(process.pid, 'SIGUSR2');
        while (running() === before) await pause(5);
        // The line comes when the profile is sent.
        await pause(20);
      };
      (async () => {
        burn(${ON_MILLISECONDS}); await toggled();
        burn(${OFF_MILLISECONDS}); await toggled();
        burn(${ON_MILLISECONDS}); await toggled();
        burn(${OFF_MILLISECONDS});
      })();`;
    const ended = await run(path, ['--require', AUTO, '-e', script], { env });
    t.is(ended.code, 0);
    const off = 'everflame: profiling is off (SIGUSR2); the same signal switches it on.\n';
    const on = 'everflame: profiling is on (SIGUSR2); the same signal switches it off.\n';
    t.is(ended.stderr, off + on + off);
    const uploads = arrived(t, agent, ended);
    t.deepEqual(
      uploads.map(({ tags }) => tags.get('snapshot')),
      ['on_shutdown', 'on_shutdown'],
    );
    for (const upload of uploads) isAbout(t, upload, ON_MILLISECONDS);
  });

  test.serial(
    `Node.js ${major}: a program that starts without a profiler is switched on by the signal, with its workers`,
    async (t) => {
      const folder = temporaryFolder(t);
      const env = {
        DD_PROFILING_ENABLED: 'false',
        EVERFLAME_TOGGLE_SIGNAL: 'SIGUSR1',
        DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
      };
      const worker = `${BURN} burn(${ON_MILLISECONDS});`;
      const script = `${PRELUDE}
        burn(${OFF_MILLISECONDS});
        say('ready');
        const timer = setInterval(() => {
          if (!globalThis[Symbol.for('everflame.running')]) return;
          clearInterval(timer);
          const { Worker } = require('node:worker_threads');
          // One after the other: each burns until the process has used so much.
          new Worker(${JSON.stringify(worker)}, { eval: true }).on('exit', () => burn(${ON_MILLISECONDS}));
        }, 5);`;
      const program = start(path, ['--require', AUTO, '-e', script], { env });
      await program.said('ready');
      program.child.kill('SIGUSR1');
      const ended = await program.ended;
      t.deepEqual(
        [ended.code, ended.stderr],
        [0, 'everflame: profiling is on (SIGUSR1); the same signal switches it off.\n'],
      );
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1);
      const cpu = totalsByLabel(profiles, 'cpu', 'thread name');
      for (const name of ['Main Event Loop', 'Worker #1 Event Loop']) {
        const found = (cpu.get(name) ?? 0) / 1e6;
        t.true(
          found >= ON_MILLISECONDS * 0.97 && found <= ON_MILLISECONDS + SLACK_MILLISECONDS,
          `${name} ${found}`,
        );
      }
    },
  );

  test.serial(`Node.js ${major}: the signal for one process of a tree is for that one alone`, async (t) => {
    const agent = await startAgent(t);
    const folder = temporaryFolder(t, {
      'root.cjs': `${PRELUDE}
        const child = require('node:child_process').fork(__dirname + '/child.cjs');
        child.on('message', () => { child.kill('SIGUSR2'); burn(${ON_MILLISECONDS}); });`,
      'child.cjs': `${PRELUDE}
        const timer = setInterval(() => {
          if (globalThis[Symbol.for('everflame.running')]) return;
          clearInterval(timer);
          process.disconnect();
        }, 5);
        burn(${ON_MILLISECONDS});
        process.send('ready');`,
    });
    const env = { ...agent.env, EVERFLAME_TOGGLE_SIGNAL: 'SIGUSR2' };
    const ended = await run(path, ['--require', AUTO, join(folder, 'root.cjs')], { env });
    t.is(ended.stderr, 'everflame: profiling is off (SIGUSR2); the same signal switches it on.\n');
    t.is(ended.code, 0);
    const { received, violations } = agent.receiver;
    t.deepEqual(violations, []);
    t.deepEqual(
      received
        .map(({ tags }) => [tags.get('process_id') === String(ended.pid), tags.get('profile_seq')])
        .sort(),
      [
        [false, '0'],
        [true, '0'],
      ],
    );
    for (const upload of received) isAbout(t, upload, ON_MILLISECONDS);
  });

  for (const [what, flags, begin] of [
    ['started by everflame/control', [], `require(${CONTROL}).start();`],
    [
      'started by startProfiler()',
      [],
      `require(${BY_HAND}).startProfiler(); require(${BY_HAND}).startProfiler();`,
    ],
    ['loaded by require()', [], `require(${BY_HAND});`],
    ['preloaded', ['--require', AUTO], ''],
    ['switched off and on', ['--require', AUTO], `const c = require(${CONTROL}); await c.stop(); c.start();`],
  ] as const) {
    test.serial(
      `Node.js ${major}: workers and children are profiled by a profiler that is ${what}`,
      async (t) => {
        const folder = temporaryFolder(t);
        const worker = `${BURN} burn(${ON_MILLISECONDS});`;
        const ended = await evaluate(
          path,
          `${begin}
        const { Worker } = require('node:worker_threads');
        const ended = (worker) => new Promise((resolve) => worker.on('exit', resolve));
        await ended(new Worker(${JSON.stringify(worker)}, { eval: true }));
        await ended(new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [] }));
        require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(worker)}], { stdio: 'inherit' });`,
          { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
          [...flags],
        );
        t.deepEqual([ended.code, ended.stderr], [0, '']);
        const files = profilesIn(folder);
        const own = files.filter((file) => file.includes(`p.${ended.pid}.`)).map(readProfile);
        const child = files.filter((file) => !file.includes(`p.${ended.pid}.`)).map(readProfile);
        const cpu = totalsByLabel(own, 'cpu', 'thread name');
        for (const number of [1, 2]) {
          const found = (cpu.get(`Worker #${number} Event Loop`) ?? 0) / 1e6;
          t.true(found >= ON_MILLISECONDS * 0.97, `worker ${number}: ${found} ms`);
        }
        t.is(child.length, 1);
        t.true(total(child, 'cpu') / 1e6 >= ON_MILLISECONDS * 0.97);
      },
    );
  }

  test.serial(
    `Node.js ${major}: in a worker everflame/control and startProfiler() say what they cannot do`,
    async (t) => {
      const folder = temporaryFolder(t);
      const worker = `${PRELUDE} (async () => {
        const control = require(${CONTROL});
        say(control.status().running, control.start().running, await control.stop(), await control.flush());
        say(require(${BY_HAND}).startProfiler());
        burn(${ON_MILLISECONDS});
      })();`;
      const ended = await evaluate(
        path,
        `const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(worker)}, { eval: true });`,
        { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
        ['--require', AUTO],
      );
      t.is(ended.code, 0);
      t.is(ended.stdout, 'false false undefined undefined\ntrue\n');
      t.regex(ended.stderr, /^everflame: error: a profiler is started on the main thread .*\n$/);
      const cpu = totalsByLabel(profilesIn(folder).map(readProfile), 'cpu', 'thread name');
      t.true((cpu.get('Worker #1 Event Loop') ?? 0) / 1e6 >= ON_MILLISECONDS * 0.97);
    },
  );

  test.serial(
    `Node.js ${major}: what is switched before the last switch is over is said once, and goes on`,
    async (t) => {
      const agent = await startAgent(t);
      const ended = await evaluate(
        path,
        `const control = require(${CONTROL});
      const stopping = control.stop();
      say(control.start().running);
      await stopping;
      say(control.start().running);
      burn(${ON_MILLISECONDS});
      // All that is asked at once ends each period once.
      const profiles = await Promise.all([control.flush(), control.flush(), control.stop(), control.stop(), control.flush()]);
      say(profiles.map((profile) => profile && profile.samples > 0).join(' '));
      say(control.status().running);`,
        agent.env,
        ['--require', AUTO],
      );
      t.is(
        ended.stderr,
        'everflame: error: this profiler is stopping; it is not started. Await the promise of stop() first.\n',
      );
      const [refused, restarted, , off] = ended.stdout.split('\n');
      t.deepEqual([refused, restarted, off], ['false', 'true', 'false']);
      const sum = agent.receiver.received.reduce((cpu, upload) => cpu + cpuOf(upload), 0);
      t.true(sum >= ON_MILLISECONDS * 0.97, `${sum}`);
      t.deepEqual(agent.receiver.violations, []);
    },
  );

  test.serial(
    `Node.js ${major}: control goes on with the options of the profiler that the code has made`,
    async (t) => {
      const agent = await startAgent(t);
      const ended = await evaluate(
        path,
        `const { Profiler } = require(${ENTRY});
      const control = require(${CONTROL});
      const profiler = new Profiler({ service: 'by-code', rate: 199 }).start();
      burn(${ON_MILLISECONDS});
      say(await control.stop() !== undefined, profiler.status.running);
      say(control.start().rate, profiler.status.running);
      burn(${ON_MILLISECONDS});
      say(await profiler.stop() !== undefined, control.status().running);`,
        agent.env,
      );
      t.is(ended.stdout, 'true false\n199 true\ntrue false\n', ended.stderr);
      t.is(ended.stderr, '');
      const uploads = arrived(t, agent, ended);
      t.is(uploads.length, 2);
      for (const upload of uploads) {
        t.is(upload.tags.get('service'), 'by-code');
        isAbout(t, upload, ON_MILLISECONDS);
      }
    },
  );

  test.serial(`Node.js ${major}: five flushes at once hold each sample once`, async (t) => {
    const agent = await startAgent(t);
    const ended = await evaluate(
      path,
      `const { Profiler } = require(${ENTRY});
      const profiler = new Profiler().start();
      burn(${OFF_MILLISECONDS});
      const profiles = await Promise.all(Array.from({ length: 5 }, () => profiler.flush()));
      say(new Set(profiles.map(({ sequence }) => sequence)).size);
      burn(${ON_MILLISECONDS});
      await profiler.stop();
      const { user, system } = process.cpuUsage();
      say((user + system) / 1000);`,
      agent.env,
    );
    t.deepEqual([ended.code, ended.stderr], [0, '']);
    const [different, used = Number.NaN] = ended.stdout.split('\n').map(Number);
    t.is(different, 5);
    const { received } = agent.receiver;
    const sum = received.reduce((cpu, upload) => cpu + cpuOf(upload), 0);
    const least = (OFF_MILLISECONDS + ON_MILLISECONDS) * 0.97;
    t.true(sum >= least && sum <= used * 1.03, `${least} <= ${sum} <= ${used} ms`);
    // Periods follow one another without a gap and without an overlap.
    const times = received
      .map(({ profiles }) => profiles.get('wall.pprof'))
      .flatMap((profile) =>
        profile ? [[profile.timeNanos, profile.timeNanos + profile.durationNanos] as const] : [],
      );
    for (const [index, [begun]] of times.slice(1).entries()) {
      const gap = Number(begun - (times[index]?.[1] ?? 0n));
      // By the clock of the day, which each reads for itself.
      t.true(gap >= -1e6 && gap <= ON_MILLISECONDS * 1e6, `${gap}`);
    }
  });

  test.serial(
    `Node.js ${major}: a period that begins with a stop under way is refused, and a restart is whole`,
    async (t) => {
      const folder = temporaryFolder(t);
      const ended = await evaluate(
        path,
        `const { Profiler } = require(${ENTRY});
      const profiler = new Profiler({ output: ${JSON.stringify(join(folder, 'p'))} });
      for (let round = 0; round < 5; round++) {
        profiler.start();
        burn(20);
        const stops = await Promise.all([profiler.stop(), profiler.stop(), profiler.flush(), profiler.stop()]);
        say(stops.map((profile) => profile !== undefined).join(' '), profiler.status.running);
      }`,
        {},
      );
      t.deepEqual([ended.code, ended.stderr], [0, '']);
      t.is(ended.stdout, 'true false false false false\n'.repeat(5));
      const sum = total(profilesIn(folder).map(readProfile), 'cpu') / 1e6;
      t.true(sum >= 100 * 0.97, `${sum} ms`);
    },
  );
}
