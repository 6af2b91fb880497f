/** Whole processes that send while something is wrong: what arrives, what is counted, and what the program feels of it. */
import { execFileSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import type { Fault } from '../support/receivers/faulty-server.js';
import { AUTO, type Ended, type Running, run, start } from '../support/spawn.js';
import { spooled, startAgent, type TestAgent } from './support/agent.js';

/** A block of the event loop that a program would notice. */
const BLOCK_MILLISECONDS = 50;

/**
 * Works for two milliseconds of each twenty, and says in the end how late its timers were, what the profiler has counted, and what
 * it holds. On the way it says when a part of its time is over.
 */
const PROGRAM = `${BURN}
  const { monitorEventLoopDelay } = require('node:perf_hooks');
  const milliseconds = Number(process.argv[2]);
  const delays = monitorEventLoopDelay({ resolution: 5 });
  const begun = performance.now();
  const parts = ['first', 'second', 'third', 'fourth'];
  let last = begun;
  let blocks = 0;
  let early;
  delays.enable();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > ${BLOCK_MILLISECONDS} + 20) blocks++;
    burn(2);
    last = performance.now();
    if (parts.length > 1 && last - begun > milliseconds * (5 - parts.length) / 4) {
      console.log(parts.shift() + ' part');
      early ??= process.memoryUsage();
    }
    if (last - begun > milliseconds) end();
  }, 20);
  function end() {
    clearInterval(timer);
    delays.disable();
    const { uploads } = globalThis[Symbol.for('everflame.running')]?.metrics() ?? {};
    const figures = { median: delays.percentile(50) / 1e6, p99: delays.percentile(99) / 1e6, blocks };
    console.log('figures ' + JSON.stringify({ ...figures, uploads, early, late: process.memoryUsage() }));
  }`;

interface Figures {
  /** Delay of the event loop, in milliseconds. */
  median: number;
  p99: number;
  blocks: number;
  uploads: Record<string, number>;
  early: NodeJS.MemoryUsage;
  late: NodeJS.MemoryUsage;
}

function figuresOf({ stdout, stderr }: Ended): Figures {
  const text = /^figures (.*)$/m.exec(stdout)?.[1];
  if (text === undefined) throw new Error(`the program has told nothing: ${stdout}${stderr}`);
  return JSON.parse(text) as Figures;
}

function begin(
  t: ExecutionContext,
  agent: TestAgent,
  milliseconds: number,
  env: Record<string, string> = {},
): Running {
  const folder = temporaryFolder(t, { 'program.cjs': PROGRAM });
  return start(process.execPath, ['--require', AUTO, `${folder}/program.cjs`, String(milliseconds)], {
    env: { ...agent.env, DD_PROFILING_UPLOAD_INTERVAL: '0.5', EVERFLAME_EXIT_TIMEOUT: '5', ...env },
  });
}

/** Another process that shares the spool, and has time enough to send what is in it. */
async function sendRest(agent: TestAgent): Promise<void> {
  const script = `const end = setInterval(() => {
    const { uploads } = globalThis[Symbol.for('everflame.running')].metrics();
    const { uploads_taken: taken, uploads_delivered: delivered, upload_attempts: attempts } = uploads;
    if (attempts > 0 ? taken === delivered : performance.now() > 3000) clearInterval(end);
  }, 50);`;
  await run(process.execPath, ['--require', AUTO, '-e', script], {
    env: { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '10' },
  });
}

/** Each profile of a process has arrived, once, and in the order in which they were made. */
function arrivedOnce(t: ExecutionContext, { receiver, spool }: TestAgent, { pid }: Ended): void {
  t.deepEqual(receiver.violations, []);
  const own = receiver.received.filter(({ tags }) => tags.get('process_id') === String(pid));
  const numbers = own.map(({ tags }) => Number(tags.get('profile_seq')));
  t.deepEqual(
    numbers,
    numbers.map((_, index) => index),
  );
  t.true(numbers.length >= 3, `${numbers.length} profiles`);
  const last = own.filter(({ tags }) => tags.get('snapshot') === 'on_shutdown');
  t.is(last.length, 1);
  t.is(last[0], own.at(-1));
  t.deepEqual(spooled(spool), []);
}

function linesOf({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('everflame:'));
}

/** What is wrong from the start to after the end of the process. */
const LASTING: Record<string, Fault | 'refused'> = {
  'refuses the connection': 'refused',
  'resets the connection in the middle': { kind: 'reset', afterBytes: 1000 },
  'never answers': { kind: 'hang' },
  'answers something else than HTTP': { kind: 'garbage' },
  'answers 429': { kind: 'status', status: 429, headers: { 'retry-after': '3600' } },
  'answers 503': { kind: 'status', status: 503 },
};

/** What is said to do, where it is not the address that may be wrong. */
const REMEDIES: Record<string, string> = {
  'answers 429': 'limits how much it takes',
  'answers 503': 'answers and cannot take',
};

for (const [what, fault] of Object.entries(LASTING)) {
  test.serial(
    `an Agent that ${what} gets each profile once when it is well again, by another process`,
    async (t) => {
      const agent = await startAgent(t, fault === 'refused' ? 'none' : 'up');
      if (fault !== 'refused') agent.receiver.faults.always(fault);
      const ended = await begin(t, agent, 2750, { DD_PROFILING_API_TIMEOUT_MS: '1000' }).ended;
      t.is(ended.code, 0);
      t.deepEqual(agent.receiver.received, []);
      t.is(linesOf(ended).length, 1, ended.stderr);
      const remedy = REMEDIES[what] ?? 'DD_TRACE_AGENT_URL';
      const line = `cannot be sent to the Datadog Agent at .*They wait in .*${remedy}`;
      t.regex(ended.stderr, new RegExp(line, 's'));
      if (fault === 'refused') await agent.receiver.faults.accept();
      agent.receiver.faults.always(undefined);
      await sendRest(agent);
      arrivedOnce(t, agent, ended);
    },
  );
}

test.serial('an Agent that is restarted in the middle gets each profile once', async (t) => {
  const agent = await startAgent(t);
  const running = begin(t, agent, 4250);
  await running.said('first part');
  await agent.receiver.faults.refuse();
  await running.said('second part');
  await agent.receiver.faults.accept();
  const ended = await running.ended;
  await sendRest(agent);
  arrivedOnce(t, agent, ended);
  t.true(linesOf(ended).length <= 2, ended.stderr);
});

test.serial('without a spool an Agent gets each profile once, also the last', async (t) => {
  const agent = await startAgent(t);
  const ended = await begin(t, agent, 2750, { EVERFLAME_SPOOL: 'off' }).ended;
  arrivedOnce(t, agent, ended);
  t.deepEqual(linesOf(ended), []);
});

test.serial('an Agent whose answers drip gets each profile once', async (t) => {
  const agent = await startAgent(t);
  agent.receiver.faults.always({ kind: 'slow', milliseconds: 10_000 });
  const ended = await begin(t, agent, 2750, { EVERFLAME_EXIT_TIMEOUT: '20' }).ended;
  await sendRest(agent);
  arrivedOnce(t, agent, ended);
});

test.serial('what is refused for good is dropped, with one line that names cause and remedy', async (t) => {
  for (const status of [400, 403, 404]) {
    const agent = await startAgent(t);
    agent.receiver.faults.always({ kind: 'status', status });
    const ended = await begin(t, agent, 2750).ended;
    const { uploads } = figuresOf(ended);
    t.true((uploads.uploads_refused ?? 0) > 0);
    t.is(linesOf(ended).length, 1, ended.stderr);
    t.regex(ended.stderr, new RegExp(`refuses a profile: ${status}\\. It is dropped\\. \\S`));
    t.deepEqual(spooled(agent.spool), []);
  }
});

test.serial('a disk that is full loses nothing that memory has room for, and one line says so', async (t) => {
  const agent = await startAgent(t, 'none');
  const blocks = ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', agent.spool];
  try {
    execFileSync('mount', blocks, { stdio: 'pipe' });
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    t.log(`no file system of a few bytes can be mounted here: ${String(stderr ?? error).trim()}`);
    // A folder in which nothing can be made does as well, but for the words of the system.
    agent.env.EVERFLAME_SPOOL_DIR = '/proc/self/fd';
  }
  t.teardown(() => {
    try {
      execFileSync('umount', [agent.spool], { stdio: 'pipe' });
    } catch {
      // It was not mounted.
    }
  });
  const running = begin(t, agent, 4250, { EVERFLAME_EXIT_TIMEOUT: '20' });
  await running.said('third part');
  await agent.receiver.faults.accept();
  const ended = await running.ended;
  arrivedOnce(t, { ...agent, spool: temporaryFolder(t) }, ended);
  t.is(
    linesOf(ended).filter((line) => /not kept in .*EVERFLAME_SPOOL_DIR/.test(line)).length,
    1,
    ended.stderr,
  );
});

test.serial(
  'memory has a bound under an Agent that never answers, and what is lost is counted',
  async (t) => {
    const agent = await startAgent(t, 'hanging');
    const ended = await begin(t, agent, 16_000, {
      EVERFLAME_SPOOL: 'off',
      DD_PROFILING_UPLOAD_INTERVAL: '0.1',
      DD_PROFILING_API_TIMEOUT_MS: '1000',
      EVERFLAME_EXIT_TIMEOUT: '0.1',
    }).ended;
    const { uploads, early, late } = figuresOf(ended);
    const { uploads_taken: taken = 0, uploads_lost: lost = 0 } = uploads;
    const growth = (late.rss - early.rss) / 2 ** 20;
    t.log(`${taken} taken, ${lost} lost; ${growth.toFixed(1)} MiB more than after a quarter of the time`);
    t.true(taken > 100, `${taken} taken`);
    // Sixteen wait, and one is being sent.
    t.true(taken - lost <= 17 && taken - lost >= 16, `${taken} taken, ${lost} lost`);
    t.true(growth < 64, `${growth} MiB`);
    t.regex(ended.stderr, /EVERFLAME_SPOOL=off/);
    t.is(linesOf(ended).filter((line) => /do not fit into memory/.test(line)).length, 1, ended.stderr);
    t.false(
      linesOf(ended).some((line) => /uploads hang/.test(line)),
      'the thread is at work',
    );
  },
);

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test.serial('the event loop of the program is as late under each fault as without one', async (t) => {
  const faults: Record<string, Fault | 'refused' | undefined> = { none: undefined, ...LASTING };
  const found = new Map<string, Figures[]>();
  // In turns, so that what else the machine does meets all of them.
  for (let round = 0; round < 3; round++) {
    for (const [what, fault] of Object.entries(faults)) {
      const agent = await startAgent(t, fault === 'refused' ? 'none' : 'up');
      if (fault !== 'refused') agent.receiver.faults.always(fault);
      const env = { DD_PROFILING_API_TIMEOUT_MS: '1000', EVERFLAME_EXIT_TIMEOUT: '0.5' };
      const ended = await begin(t, agent, 2000, env).ended;
      found.set(what, [...(found.get(what) ?? []), figuresOf(ended)]);
      await agent.receiver.close();
    }
  }
  const of = (what: string, key: 'median' | 'p99' | 'blocks'): number =>
    median((found.get(what) ?? []).map((figures) => figures[key]));
  for (const what of Object.keys(faults)) {
    const [middle, p99, blocks] = [of(what, 'median'), of(what, 'p99'), of(what, 'blocks')];
    t.log(`${what}: median ${middle.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, blocks ${blocks}`);
    // A request on the program's thread takes tens of milliseconds, at the first one a hundred; noise of a busy machine may, too.
    t.true(blocks <= of('none', 'blocks') + 2, `${what}: ${blocks} blocks`);
    t.true(middle <= 3 * of('none', 'median') + 5, `${what}: ${middle} ms`);
  }
});
