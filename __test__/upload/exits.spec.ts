import { basename, dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, type Ended, run, start } from '../support/spawn.js';
import { type AgentState, cpuOf, spooled, startAgent, type TestAgent } from './support/agent.js';

/** The longest that the end of a process may wait in these tests, and what a busy machine may add. */
const LIMIT_MILLISECONDS = 2000;
const ALLOWANCE_MILLISECONDS = 10_000;
/** What may lie between the last figure that a program prints and the last sample, on either side. */
const SLACK_MILLISECONDS = 60;

/** Prints the CPU time that the process has used, in milliseconds, and burns some. */
const PRELUDE = `${BURN}
  const { writeSync } = require('node:fs');
  function used() {
    const { user, system } = process.cpuUsage();
    writeSync(1, (user + system) / 1000 + '\\n');
  }
  used(); burn(300); used();`;
/** Goes on when the delivery thread is there, if there is a profiler: before that a signal leaves the profile in the spool. */
const whenSending = (script: string): string => `
  setInterval(() => {}, 1000);
  (function look() {
    const profiler = globalThis[Symbol.for('everflame.running')];
    if (profiler && !profiler.status.threads.some(({ name }) => name === 'everflame-upload')) setTimeout(look, 10);
    else { used(); ${script} }
  })();`;
const SAYS_READY = `writeSync(1, 'ready\\n');`;
const WAITS = whenSending(SAYS_READY);

/** A way in which a process ends. */
interface End {
  name: string;
  /** What the program does after its work. */
  script: string;
  /** Sent when the program says that it is ready. */
  signal?: NodeJS.Signals;
}

const ENDS: End[] = [
  { name: 'an empty event loop', script: '' },
  { name: 'process.exitCode', script: 'process.exitCode = 9;' },
  { name: 'process.exit()', script: 'process.exit(7);' },
  { name: 'process.exit() later', script: 'setTimeout(() => { used(); process.exit(8); }, 100);' },
  {
    name: 'process.exit() in an exit listener',
    script: `process.on('exit', () => { burn(50); used(); process.exit(5); });`,
  },
  { name: 'an uncaught exception', script: `throw new TypeError('of the program');` },
  { name: 'an unhandled rejection', script: `Promise.reject(new Error('of the program'));` },
  { name: 'process.kill() of itself', script: whenSending(`process.kill(process.pid, 'SIGTERM');`) },
  { name: 'SIGTERM', script: WAITS, signal: 'SIGTERM' },
  { name: 'SIGINT', script: WAITS, signal: 'SIGINT' },
  { name: 'SIGHUP', script: WAITS, signal: 'SIGHUP' },
  {
    name: 'SIGTERM while the event loop is blocked',
    script: whenSending(`${SAYS_READY} for (;;) { burn(10); used(); }`),
    signal: 'SIGTERM',
  },
  {
    name: 'SIGTERM with a listener',
    script: `process.on('SIGTERM', () => { burn(50); used(); process.exit(4); }); ${WAITS}`,
    signal: 'SIGTERM',
  },
  {
    name: "a worker's process.exit(), then an empty event loop",
    script: `const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(`${BURN} burn(100); process.exit(3);`)}, { eval: true })
        .on('exit', (code) => { used(); process.exitCode = code; });`,
  },
  {
    name: 'process.exit() beside a worker that is at work',
    script: `const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(`${BURN} require('node:worker_threads').parentPort.postMessage(1); for (;;) burn(100);`)}, { eval: true })
        .on('message', () => { burn(100); used(); process.exit(6); });`,
  },
];

/** How a program ended, and how long that took after the signal or its last figure. */
interface TimedEnd extends Ended {
  milliseconds: number;
  /** What it had printed when the signal was sent; undefined without one. */
  before: string | undefined;
}

async function runToEnd(path: string, flags: string[], end: End, env = {}): Promise<TimedEnd> {
  const program = start(path, [...flags, '-e', PRELUDE + end.script], { env });
  let since = performance.now();
  let before: string | undefined;
  if (end.signal) {
    before = await program.said('ready');
    since = performance.now();
    program.child.kill(end.signal);
  } else {
    program.child.stdout?.on('data', () => {
      since = performance.now();
    });
  }
  const ended = await program.ended;
  return { ...ended, milliseconds: performance.now() - since, before };
}

/** More are of a program that prints without end. */
const MOST_FIGURES = 4;

/** CPU times that a program printed, in milliseconds. */
function figures({ stdout }: Pick<Ended, 'stdout'>): number[] {
  return stdout
    .split('\n')
    .filter((line) => /^[\d.]+$/.test(line))
    .map(Number);
}

/** What the program has used is in the profiles, and little more: the start before the profiler, and the end after the profile. */
function checkCpu(t: ExecutionContext, ended: TimedEnd, milliseconds: number): void {
  const all = figures(ended);
  // One that is at work until it ends goes on while its last profile is sent.
  const known = all.length > MOST_FIGURES ? figures({ stdout: ended.before ?? '' }).at(-1) : all.at(-1);
  const [first = Number.NaN, last = Number.NaN] = [all[0], all.at(-1)];
  const least = ((known ?? last) - first) * 0.97 - 1;
  const said = `${milliseconds} ms in the profile, of ${first} to ${last} ms`;
  t.log(said);
  t.true(milliseconds >= least && milliseconds <= last + SLACK_MILLISECONDS, said);
}

/** A process that sends to the same receiver, and ends at once. */
async function nextProcess(t: ExecutionContext, path: string, agent: TestAgent): Promise<Ended> {
  await agent.recover();
  agent.receiver.received.splice(0);
  const env = { ...agent.env, EVERFLAME_EXIT_TIMEOUT: String(ALLOWANCE_MILLISECONDS / 1000) };
  const next = await run(path, ['--require', AUTO, '-e', `${BURN} burn(50);`], { env });
  t.deepEqual([next.code, next.signal, next.stderr], [0, null, '']);
  return next;
}

for (const { major, path } of testNodes()) {
  for (const end of ENDS) {
    const plain = runOnce(() => runToEnd(path, [], end));
    for (const state of ['up', 'hanging', 'none'] as AgentState[]) {
      test.serial(`Node.js ${major}, Agent ${state}: the last profile survives ${end.name}`, async (t) => {
        const agent = await startAgent(t, state);
        // An Agent that answers gets the profile, however busy the machine is.
        const limit = state === 'up' ? ALLOWANCE_MILLISECONDS : LIMIT_MILLISECONDS;
        const env = { ...agent.env, EVERFLAME_EXIT_TIMEOUT: String(limit / 1000) };
        const ended = await runToEnd(path, ['--require', AUTO], end, env);
        const bare = await plain();
        t.deepEqual([ended.code, ended.signal], [bare.code, bare.signal], ended.stderr);
        t.log(
          `the end took ${Math.round(ended.milliseconds)} ms, ${Math.round(bare.milliseconds)} without a profiler`,
        );
        t.true(ended.milliseconds <= LIMIT_MILLISECONDS + ALLOWANCE_MILLISECONDS);
        const { received, violations } = agent.receiver;
        const delivered = [...received];
        if (state === 'up') {
          t.is(withoutStack(ended.stderr), withoutStack(bare.stderr));
          t.deepEqual(spooled(agent.spool), []);
        } else {
          t.is(received.length, 0);
          const [waiting, ...others] = spooled(agent.spool);
          t.deepEqual(others, []);
          t.is(basename(waiting ?? '').split('.')[1], String(ended.pid));
          const next = await nextProcess(t, path, agent);
          delivered.push(...received.filter(({ tags }) => tags.get('process_id') !== String(next.pid)));
          t.is(received.length, 2, `in the spool: ${spooled(agent.spool).join(', ')}`);
          t.is(delivered[0]?.tags.get('runtime-id'), basename(dirname(waiting ?? '')));
          t.deepEqual(spooled(agent.spool), []);
        }
        t.deepEqual(violations, []);
        t.deepEqual(
          delivered.map(({ tags }) => [
            tags.get('process_id'),
            tags.get('snapshot'),
            tags.get('profile_seq'),
          ]),
          [[String(ended.pid), 'on_shutdown', '0']],
        );
        for (const upload of delivered) checkCpu(t, ended, cpuOf(upload));
      });
    }
  }
}

/** The program's own lines: an exception shows the path and the line of whoever is on its stack. */
function withoutStack(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .join('\n');
}

function runOnce<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
