import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total, withLabel } from '../support/pprof.js';
import { AUTO, type Ended, ROOT, run, start } from '../support/spawn.js';
import { type AgentState, cpuOf, startAgent, type TestAgent } from './support/agent.js';

const ENTRY = JSON.stringify(ROOT);
/** CPU time that each program burns at least, and that its profiles are to hold. */
const BURNT_MILLISECONDS = 100;
/** What a fork burns. */
const FORK_MILLISECONDS = 20;
/** On a busy machine a profile arrives all the same. */
const PATIENT = { EVERFLAME_EXIT_TIMEOUT: '20' };
/** What a busy machine may add to an end. */
const ALLOWANCE_MILLISECONDS = 10_000;

/** Burns some time and knows how to speak at once; the program comes behind. */
const PRELUDE = `${BURN}
  const { writeSync } = require('node:fs');
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  burn(${BURNT_MILLISECONDS});`;
/** Stays alive. */
const STAYS = 'setInterval(() => {}, 1000);';
/** Says "ready" when the delivery thread is there, if there is a profiler. */
const READY = `${STAYS} (function look() {
    const profiler = globalThis[Symbol.for('everflame.running')];
    if (profiler && !profiler.status.threads.some(({ name }) => name === 'everflame-upload')) setTimeout(look, 10);
    else say('ready');
  })();`;

/** A program that is sent a signal after each of these words. */
interface Signalled {
  script: string;
  signals?: [word: string, signal: NodeJS.Signals][];
}

async function runSignalled(
  path: string,
  flags: string[],
  { script, signals = [] }: Signalled,
  env: Record<string, string> = {},
): Promise<Ended> {
  const program = start(path, [...flags, '-e', PRELUDE + script], { env });
  for (const [word, signal] of signals) {
    await program.said(word);
    program.child.kill(signal);
  }
  return program.ended;
}

/** Runs a program with a profiler and without one: it ends alike and says the same. */
async function alike(
  t: ExecutionContext,
  path: string,
  agent: TestAgent,
  program: Signalled,
): Promise<Ended> {
  const plain = await runSignalled(path, [], program);
  const ended = await runSignalled(path, ['--require', AUTO], program, { ...PATIENT, ...agent.env });
  const seen = ({ code, signal, stdout, stderr }: Ended) => ({ code, signal, stdout, stderr });
  t.deepEqual(seen(ended), seen(plain));
  return ended;
}

/** One upload came, of this process, with all that the program has burnt. */
function checkLast(
  t: ExecutionContext,
  { receiver }: TestAgent,
  { pid }: Ended,
  burnt = BURNT_MILLISECONDS,
): void {
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    receiver.received.map(({ tags }) => [
      tags.get('process_id'),
      tags.get('snapshot'),
      tags.get('profile_seq'),
    ]),
    [[String(pid), 'on_shutdown', '0']],
  );
  for (const upload of receiver.received) t.true(cpuOf(upload) >= burnt * 0.97, `${cpuOf(upload)} ms`);
}

/**
 * One profile waits in the spool, of this process; the next process that sends there delivers it once, with all that the program has
 * burnt.
 */
async function checkWaiting(
  t: ExecutionContext,
  path: string,
  agent: TestAgent,
  ended: Ended,
): Promise<void> {
  t.is(agent.receiver.received.length, 0);
  t.deepEqual(
    waitingIn(agent.spool).map((file) => basename(file).split('.')[1]),
    [String(ended.pid)],
  );
  await agent.recover();
  const next = await run(path, ['--require', AUTO, '-e', `${BURN} burn(50);`], {
    env: { ...agent.env, ...PATIENT },
  });
  t.deepEqual([next.code, next.stderr], [0, '']);
  const { received, violations } = agent.receiver;
  t.deepEqual(violations, []);
  const left = received.filter(({ tags }) => tags.get('process_id') === String(ended.pid));
  t.is(received.length, 2);
  t.deepEqual(
    left.map(({ tags }) => tags.get('profile_seq')),
    ['0'],
  );
  const burnt = left.reduce((sum, upload) => sum + cpuOf(upload), 0);
  t.true(burnt >= BURNT_MILLISECONDS * 0.97, `${burnt} ms`);
  t.deepEqual(waitingIn(agent.spool), []);
}

/** Profiles in a spool, also those of a period that was not over. */
function waitingIn(spool: string): string[] {
  return readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.wall\.pprof(\.part)?$/.test(name),
  );
}

/** What a program sees of its own listeners. */
const SEES = `say(process.listenerCount('SIGTERM'), process.listeners('SIGTERM').length, process.rawListeners('SIGTERM').length);`;

const LISTENERS: Record<string, Signalled> = {
  'several listeners are called in their order, and one for one time once': {
    script: `
      let heard = 0;
      process.on('SIGTERM', (name, number) => { say('second', name, number); });
      process.once('SIGTERM', () => say('once'));
      process.prependListener('SIGTERM', () => say('first'));
      process.prependOnceListener('SIGTERM', () => say('before all, once'));
      process.on('SIGTERM', () => { ${SEES} say('heard', ++heard); if (heard === 2) process.exit(3); });
      ${SEES} ${READY}`,
    signals: [
      ['ready', 'SIGTERM'],
      ['heard 1', 'SIGTERM'],
    ],
  },
  'a listener that goes on is all that a signal does': {
    script: `const timer = setInterval(() => {}, 1000);
      process.on('SIGTERM', () => { say('heard'); clearInterval(timer); });
      ${READY.replace(STAYS, '')}`,
    signals: [['ready', 'SIGTERM']],
  },
  'a listener that calls process.exit() keeps the signal from the next one': {
    script: `process.on('SIGTERM', () => { say('heard'); process.exit(9); });
      process.on('SIGTERM', () => say('never'));
      process.on('exit', (code) => say('exit', code));
      ${READY}`,
    signals: [['ready', 'SIGTERM']],
  },
  'a listener that throws ends the program by its exception': {
    script: `process.on('uncaughtException', (error, origin) => { say(error.message, origin); process.exit(11); });
      process.on('SIGTERM', () => { throw new Error('of the listener'); });
      ${READY}`,
    signals: [['ready', 'SIGTERM']],
  },
  'after the one time of its listener a signal ends the program': {
    script: `process.once('SIGTERM', () => say('heard')); ${READY}`,
    signals: [
      ['ready', 'SIGTERM'],
      ['heard', 'SIGTERM'],
    ],
  },
  'a listener for SIGINT leaves SIGTERM as it is': {
    script: `process.on('SIGINT', () => say('heard')); ${READY}`,
    signals: [
      ['ready', 'SIGINT'],
      ['heard', 'SIGTERM'],
    ],
  },
  'an awaiting listener has all the time that it wants': {
    script: `process.on('SIGTERM', async () => {
        say('heard');
        await new Promise((resolve) => setTimeout(resolve, 300));
        say('closed');
        process.exit(0);
      });
      ${READY}`,
    signals: [['ready', 'SIGTERM']],
  },
};

/** What a program does about its own errors and at its own end; each burns some before its end. */
const HANDLERS: Record<string, string> = {
  'a handler of uncaught exceptions goes on': `
    process.on('uncaughtException', (error, origin) => { say(error.message, origin); burn(50); });
    setTimeout(() => { say('later'); process.exitCode = 4; }, 20);
    throw new Error('of the program');`,
  'a handler of uncaught exceptions ends the program': `
    process.on('uncaughtException', () => { burn(50); process.exit(12); });
    setImmediate(() => { throw new Error('of the program'); });`,
  'an error in an exit listener has a handler': `
    process.on('uncaughtException', (error) => { say(error.message); burn(50); process.exitCode = 13; });
    process.on('exit', () => { throw new Error('of the listener'); });`,
  'a monitor sees an exception before it ends the program': `
    process.on('uncaughtExceptionMonitor', (error, origin) => { say(error.message, origin); burn(50); });
    process.on('exit', (code) => say('exit', code));
    throw { message: 'no error' };`,
  'a capture callback has the exception': `
    process.setUncaughtExceptionCaptureCallback((error) => { say(error.message); burn(50); });
    setTimeout(() => say('later'), 20);
    throw new Error('of the program');`,
  'a rejection has a handler': `
    process.on('unhandledRejection', (reason) => { say(reason.message); burn(50); process.exitCode = 14; });
    Promise.reject(new Error('of the program'));`,
  'a rejection is handled late': `
    process.on('unhandledRejection', () => say('unhandled'));
    process.on('rejectionHandled', () => { say('handled'); burn(50); });
    const rejected = Promise.reject(new Error('of the program'));
    setTimeout(() => rejected.catch(() => say('caught')), 20);`,
  'an exit listener sets the exit code': `
    process.on('exit', (code) => { say(code, process.exitCode); burn(50); process.exitCode = 15; });`,
  'two exit listeners differ on the exit code': `
    process.exitCode = 1;
    process.on('exit', () => { burn(50); process.exitCode = 16; });
    process.on('exit', () => { process.exitCode = 17; });`,
  'an exit listener adds another': `
    process.on('exit', () => { say('first'); process.on('exit', () => say('never')); burn(50); });`,
  'beforeExit begins new work': `
    let left = 3;
    process.on('beforeExit', (code) => {
      say('beforeExit', code, left);
      if (left-- > 0) setTimeout(() => burn(20), 5);
    });
    process.on('exit', (code) => say('exit', code));`,
  'beforeExit ends the program': `
    process.on('beforeExit', () => { burn(50); process.exit(18); });`,
  'a domain has the exception': `
    const domain = require('node:domain').create();
    domain.on('error', (error) => { say(error.message); burn(50); });
    domain.run(() => { setTimeout(() => { throw new Error('of the domain'); }, 10); });
    process.on('exit', (code) => say('exit', code));`,
  'the program takes all exit listeners away': `process.removeAllListeners('exit');`,
  'the program takes all exit listeners away and adds one': `
    process.removeAllListeners('exit');
    process.on('exit', () => { say('exit'); burn(50); });`,
  'the program takes all its listeners away': `
    process.removeAllListeners();
    setTimeout(() => process.on('exit', () => { say('exit', process.listenerCount('beforeExit')); burn(50); }), 20);`,
};

for (const { major, path } of testNodes()) {
  for (const [what, script] of Object.entries(HANDLERS)) {
    test.serial(
      `Node.js ${major}: ${what}, as without a profiler, and the last profile is sent`,
      async (t) => {
        const agent = await startAgent(t);
        const ended = await alike(t, path, agent, { script });
        checkLast(t, agent, ended);
      },
    );
  }

  for (const mode of ['warn', 'none', 'strict', 'warn-with-error-code']) {
    test.serial(
      `Node.js ${major}: --unhandled-rejections=${mode} means what it does without a profiler`,
      async (t) => {
        const agent = await startAgent(t);
        const folder = temporaryFolder(t, {
          'program.cjs': `${PRELUDE} Promise.reject('of the program'); setTimeout(() => say('later'), 50);`,
        });
        const flags = [`--unhandled-rejections=${mode}`, join(folder, 'program.cjs')];
        const plain = await run(path, flags);
        const ended = await run(path, ['--require', AUTO, ...flags], { env: { ...PATIENT, ...agent.env } });
        // Node.js puts its process number into its warnings.
        const said = ({ stderr, pid }: Ended): string => stderr.replaceAll(String(pid), '<pid>');
        t.deepEqual([ended.code, ended.stdout, said(ended)], [plain.code, plain.stdout, said(plain)]);
        checkLast(t, agent, ended);
      },
    );
  }

  for (const [what, program] of Object.entries(LISTENERS)) {
    test.serial(`Node.js ${major}: ${what}`, async (t) => {
      const agent = await startAgent(t);
      const ended = await alike(t, path, agent, program);
      checkLast(t, agent, ended);
      t.deepEqual(waitingIn(agent.spool), []);
    });
  }

  // A second signal within half a second may be an echo of the first one.
  for (const [what, script, first] of [
    ['a signal', READY, 'SIGTERM'],
    ['the end of the program', `process.on('exit', () => say('exit'));`, undefined],
  ] as const) {
    test.serial(
      `Node.js ${major}: a signal while the last profile of ${what} is sent ends the process, and the profile waits`,
      async (t) => {
        const agent = await startAgent(t, 'hanging');
        const env = { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '60' };
        const program = start(path, ['--require', AUTO, '-e', PRELUDE + script], { env });
        await program.said(first ? 'ready' : 'exit');
        if (first) program.child.kill(first);
        // It is on its way.
        while (agent.receiver.attempts.every(({ path: place }) => place === '/info')) await pause(20);
        await pause(600);
        const since = performance.now();
        program.child.kill('SIGTERM');
        await pause(600);
        program.child.kill('SIGTERM');
        const ended = await program.ended;
        t.is(ended.signal, 'SIGTERM', ended.stderr);
        t.is(ended.stderr, '');
        t.true(performance.now() - since < ALLOWANCE_MILLISECONDS);
        await checkWaiting(t, path, agent, ended);
      },
    );
  }

  test.serial(
    `Node.js ${major}: a listener that comes while the last profile is sent does not hear the signal`,
    async (t) => {
      const agent = await startAgent(t, 'hanging');
      agent.env.EVERFLAME_EXIT_TIMEOUT = '2';
      const listen = `process.on('SIGTERM', () => { say('heard'); process.exit(3); })`;
      const ended = await alike(t, path, agent, {
        script: READY.replace("say('ready')", `{ process.on('SIGUSR2', () => ${listen}); say('ready'); }`),
        signals: [
          ['ready', 'SIGTERM'],
          ['ready', 'SIGUSR2'],
        ],
      });
      t.is(ended.signal, 'SIGTERM');
      await checkWaiting(t, path, agent, ended);
    },
  );

  for (const [what, script] of [
    ['process.exit()', 'process.exit(3);'],
    ['an uncaught exception', `throw new Error('of the program');`],
    [
      'stop()',
      `const profiler = globalThis[Symbol.for('everflame.running')]; if (profiler) profiler.stop();`,
    ],
  ] as const) {
    for (const state of ['up', 'hanging'] as const) {
      test.serial(
        `Node.js ${major}, Agent ${state}: ${what} while a signal waits for its profile makes no second one`,
        async (t) => {
          const agent = await startAgent(t, state);
          if (state === 'hanging') agent.env.EVERFLAME_EXIT_TIMEOUT = '2';
          const signalled = `require('node:child_process').spawnSync('sh', ['-c', 'kill -TERM ' + process.pid]);`;
          const ended = await alike(t, path, agent, {
            script: READY.replace("say('ready')", `{ ${signalled} burn(50); ${script} }`),
          });
          t.is(ended.signal, 'SIGTERM');
          if (state === 'hanging') await checkWaiting(t, path, agent, ended);
          else checkLast(t, agent, ended);
        },
      );
    }
  }

  for (const [what, script] of [
    ['somebody has emitted exit', `process.emit('exit', 0);`],
    [
      'an exit listener has thrown out of process.exit()',
      `process.once('exit', () => { throw new Error('stay'); }); try { process.exit(5); } catch {}`,
    ],
  ] as const) {
    test.serial(
      `Node.js ${major}: what a program does after ${what} is in another last profile`,
      async (t) => {
        const agent = await startAgent(t);
        const ended = await alike(t, path, agent, {
          script: `${script} setTimeout(() => { burn(${BURNT_MILLISECONDS}); process.exit(4); }, 50);`,
        });
        t.is(ended.code, 4);
        const { received, violations } = agent.receiver;
        t.deepEqual(violations, []);
        t.deepEqual(
          received.map(({ tags }) => [tags.get('snapshot'), tags.get('profile_seq')]),
          [
            ['on_shutdown', '0'],
            ['on_shutdown', '1'],
          ],
        );
        for (const upload of received) {
          t.true(cpuOf(upload) >= BURNT_MILLISECONDS * 0.97, `${cpuOf(upload)} ms`);
        }
      },
    );
  }

  for (const [what, flags, script] of [
    ['while another preload is at work', ['--require', AUTO, '--require', './busy.cjs'], ''],
    ['before the first turn of the event loop', ['--require', AUTO], `say('ready'); for (;;) burn(10);`],
    ['in the first turns', ['--require', AUTO], `setImmediate(() => { say('ready'); }); ${STAYS}`],
    ['as a module awaits', ['--require', AUTO, '--import', './busy.mjs'], ''],
  ] as const) {
    test.serial(
      `Node.js ${major}: SIGTERM ${what} ends the program, and its profile is not lost`,
      async (t) => {
        const agent = await startAgent(t);
        const cwd = temporaryFolder(t, {
          'busy.cjs': `${PRELUDE} say('ready'); for (;;) burn(10);`,
          'busy.mjs': `import { writeSync } from 'node:fs'; ${BURN} burn(${BURNT_MILLISECONDS}); writeSync(1, 'ready\\n');
          await new Promise((resolve) => setTimeout(resolve, 60_000));`,
        });
        const program = start(path, [...flags, '-e', PRELUDE + script], { env: agent.env, cwd });
        await program.said('ready');
        program.child.kill('SIGTERM');
        const ended = await program.ended;
        t.deepEqual([ended.signal, ended.stderr], ['SIGTERM', '']);
        // There may have been a thread to send it.
        if (agent.receiver.received.length > 0) checkLast(t, agent, ended);
        else await checkWaiting(t, path, agent, ended);
      },
    );
  }

  test.serial(
    `Node.js ${major}: SIGTERM before the profiler is there ends the program as without it`,
    async (t) => {
      const agent = await startAgent(t);
      const cwd = temporaryFolder(t, { 'busy.cjs': `${PRELUDE} say('ready'); for (;;) burn(10);` });
      const program = start(path, ['--require', './busy.cjs', '--require', AUTO, '-e', ''], {
        env: agent.env,
        cwd,
      });
      await program.said('ready');
      program.child.kill('SIGTERM');
      const ended = await program.ended;
      t.deepEqual([ended.signal, ended.stderr], ['SIGTERM', '']);
      t.deepEqual([agent.receiver.received.length, waitingIn(agent.spool)], [0, []]);
    },
  );

  for (const [what, script] of [
    ['process.abort()', `${READY.replace("say('ready')", 'process.abort()')}`],
    [
      'SIGUSR2 without a listener',
      `${READY.replace("say('ready')", "process.kill(process.pid, 'SIGUSR2')")}`,
    ],
  ] as const) {
    test.serial(
      `Node.js ${major}: ${what} ends the program at once; written ahead, its profile waits`,
      async (t) => {
        const agent = await startAgent(t, 'hanging');
        const env = { ...agent.env, EVERFLAME_SPOOL: 'always', EVERFLAME_EXIT_TIMEOUT: '60' };
        // What it leaves of its memory is nobody's business. What is written ahead is a second old at most.
        const words = (milliseconds: number, ...flags: string[]): string[] => [
          '-c',
          'ulimit -c 0; exec "$0" "$@"',
          path,
          ...flags,
          '-e',
          `${PRELUDE} setTimeout(() => { ${script} }, ${milliseconds});`,
        ];
        const plain = await run('sh', words(0));
        const ended = await run('sh', words(1500, '--require', AUTO), { env });
        t.deepEqual([ended.code, ended.signal], [plain.code, plain.signal], ended.stderr);
        await checkWaiting(t, path, { ...agent, env }, ended);
      },
    );
  }

  test.serial(
    `Node.js ${major}: a short program whose profile is written ahead sends it all the same`,
    async (t) => {
      const agent = await startAgent(t);
      agent.env.EVERFLAME_SPOOL = 'always';
      const ended = await alike(t, path, agent, { script: '' });
      checkLast(t, agent, ended);
      t.deepEqual(waitingIn(agent.spool), []);
    },
  );

  for (const [what, program] of Object.entries<Signalled>({
    'the end of the program': { script: '' },
    SIGTERM: { script: READY, signals: [['ready', 'SIGTERM']] },
  })) {
    test.serial(
      `Node.js ${major}: nothing is written ahead while ${what} waits for a slow Agent`,
      async (t) => {
        const agent = await startAgent(t);
        agent.receiver.faults.always({ kind: 'slow', milliseconds: 1500 });
        Object.assign(agent.env, { EVERFLAME_SPOOL: 'always', EVERFLAME_EXIT_TIMEOUT: '60' });
        const ended = await alike(t, path, agent, program);
        checkLast(t, agent, ended);
        t.deepEqual(waitingIn(agent.spool), []);
      },
    );
  }

  test.serial(
    `Node.js ${major}: what a worker has done is in the profile, though it is terminated at work`,
    async (t) => {
      const folder = temporaryFolder(t);
      const worker = `${BURN} require('node:worker_threads').parentPort.postMessage(1); burn(200);
      require('node:worker_threads').parentPort.postMessage(2); for (;;) burn(100);`;
      const script = `const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
      worker.on('message', async (part) => { if (part === 2) say('ended', await worker.terminate()); });`;
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const ended = await runSignalled(path, ['--require', AUTO], { script }, env);
      t.deepEqual([ended.code, ended.stdout, ended.stderr], [0, 'ended 1\n', '']);
      const profiles = profilesIn(folder).map(readProfile);
      t.is(profiles.length, 1);
      const cpu = total(profiles, 'cpu', withLabel('thread name', 'Worker #1 Event Loop')) / 1e6;
      t.true(cpu >= 200 * 0.97, `${cpu} ms`);
    },
  );

  for (const [what, program] of Object.entries<Signalled>({
    'the end of the program': { script: '' },
    SIGTERM: { script: READY, signals: [['ready', 'SIGTERM']] },
  })) {
    test.serial(
      `Node.js ${major}: without time for it ${what} waits for nobody, and the profile is in the spool`,
      async (t) => {
        const agent = await startAgent(t, 'hanging');
        const env = { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '0' };
        const plain = await runSignalled(path, [], program);
        const ended = await runSignalled(path, ['--require', AUTO], program, env);
        t.deepEqual([ended.code, ended.signal, ended.stderr], [plain.code, plain.signal, '']);
        await checkWaiting(t, path, agent, ended);
      },
    );
  }

  test.serial(
    `Node.js ${major}: an addon's forks end as without us, send nothing, and hold nobody up`,
    async (t) => {
      const agent = await startAgent(t);
      const addon = join(temporaryFolder(t), 'forks.node');
      const source = join(ROOT, '__test__', 'workloads', 'safety', 'forks.c');
      execFileSync('cc', ['-Wall', '-Werror', '-O2', '-shared', '-fPIC', '-o', addon, source]);
      // Before the delivery thread is there, and after.
      const script = `const forks = require(${JSON.stringify(addon)});
        const all = () => { for (const [how, fork] of Object.entries(forks)) { say(how, fork(${FORK_MILLISECONDS})); burn(20); } };
        all();
        ${READY.replace(STAYS, '').replace("say('ready')", 'all()')}`;
      const ended = await alike(t, path, agent, {
        script,
      });
      t.deepEqual(ended.stdout.match(/-?\d+$/gm), ['5', '-15', '-6', '5', '5', '5', '-15', '-6', '5', '5']);
      checkLast(t, agent, ended, BURNT_MILLISECONDS + 10 * 20);
      t.deepEqual(waitingIn(agent.spool), []);
    },
  );

  for (const [state, spool, lines] of [
    ['none', 'off', [/^warn everflame: profiles cannot be sent to .* and are lost with the process/]],
    ['hanging', 'off', [/^error everflame: .* sent, and nothing can be kept/]],
    ['none', 'on', [/^warn everflame: profiles cannot be sent to /]],
    ['up', 'on', []],
  ] as [AgentState, string, RegExp[]][]) {
    test.serial(
      `Node.js ${major}, Agent ${state}, spool ${spool}: what is said at the end is said to the program's own logger`,
      async (t) => {
        const agent = await startAgent(t, state);
        const script = `const logger = {};
          for (const level of ['error', 'warn', 'info', 'debug']) logger[level] = (text) => {
            say(level, text);
            throw new Error('of the logger');
          };
          new (require(${ENTRY}).Profiler)({ logger }).start();
          burn(100);`;
        const env = {
          ...agent.env,
          EVERFLAME_SPOOL: spool,
          EVERFLAME_EXIT_TIMEOUT: state === 'hanging' ? '1' : '20',
        };
        const ended = await runSignalled(path, [], { script }, env);
        t.deepEqual([ended.code, ended.stderr], [0, '']);
        const said = ended.stdout.split('\n').slice(0, -1);
        t.is(said.length, lines.length, ended.stdout);
        for (const [index, line] of lines.entries()) t.regex(said[index] ?? '', line);
        t.is(agent.receiver.received.length, state === 'up' ? 1 : 0);
      },
    );
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
