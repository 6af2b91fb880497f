/** Signals that end a process which keeps nothing on disk: its last profile is sent from memory. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, type Ended, start } from '../support/spawn.js';
import { cpuOf, spooled, startAgent, type TestAgent } from './support/agent.js';

const BURNT_MILLISECONDS = 200;
/** What the start may add, and a busy machine. */
const MOST_MILLISECONDS = BURNT_MILLISECONDS * 5;

/** Goes on when the delivery thread is there; the script is to say that it is ready. */
const program = (script: string): string => `${BURN}
  setInterval(() => {}, 1000);
  const profiler = globalThis[Symbol.for('everflame.running')];
  (function begin() {
    if (!profiler.status.threads.some(({ name }) => name === 'everflame-upload')) return setTimeout(begin, 10);
    burn(${BURNT_MILLISECONDS});
    const ready = () => require('node:fs').writeSync(1, 'ready\\n');
    ${script}
  })();`;

function digest(data: Buffer | undefined): string {
  return createHash('sha256')
    .update(data ?? '')
    .digest('hex');
}

async function endBySignal(
  path: string,
  agent: TestAgent,
  script: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  const running = start(path, ['--require', AUTO, '-e', program(script)], {
    // A machine that is busy: the profile is to arrive all the same.
    env: { ...agent.env, EVERFLAME_SPOOL: 'off', EVERFLAME_EXIT_TIMEOUT: '20', ...env },
  });
  await running.said('ready');
  running.child.kill('SIGTERM');
  return running.ended;
}

for (const { major, path } of testNodes()) {
  for (const [what, script] of [
    ['that waits', 'ready();'],
    ['whose event loop is blocked', 'ready(); for (;;) burn(10);'],
    [
      'that listened to the signal before',
      `process.once('SIGTERM', () => {}).removeAllListeners('SIGTERM'); ready();`,
    ],
  ] as const) {
    test.serial(
      `Node.js ${major}: without a spool the Agent gets the last profile of a process ${what}`,
      async (t) => {
        const agent = await startAgent(t);
        const ended = await endBySignal(path, agent, script);
        t.deepEqual([ended.code, ended.signal, ended.stderr], [null, 'SIGTERM', '']);
        const { received, violations } = agent.receiver;
        t.deepEqual(violations, []);
        t.deepEqual(
          received.map(({ tags }) => [tags.get('snapshot'), tags.get('profile_seq')]),
          [['on_shutdown', '0']],
        );
        const [milliseconds = 0] = received.map(cpuOf);
        t.true(milliseconds >= BURNT_MILLISECONDS && milliseconds < MOST_MILLISECONDS, `${milliseconds} ms`);
        t.true(Object.keys(received[0]?.event.internal ?? {}).includes('samples'));
        t.deepEqual(spooled(agent.spool), []);
      },
    );
  }

  // The event loop is blocked for good.
  for (const [when, script] of [
    ['when one is asked for, or has just come', 'setImmediate(() => { ready(); for (;;) burn(10); });'],
    [
      'while one is written to its file',
      `require('node:fs').promises.writeFile = () => { ready(); for (;;) burn(10); };`,
    ],
  ] as const) {
    test.serial(
      `Node.js ${major}: without a spool receivers and files get all profiles of a process that is blocked ${when}`,
      async (t) => {
        const agent = await startAgent(t);
        const output = join(temporaryFolder(t), 'app');
        const ended = await endBySignal(path, agent, `profiler.flush(); ${script}`, {
          DD_PROFILING_EXPORTERS: 'agent,file',
          DD_PROFILING_OUTPUT_PPROF: output,
        });
        t.deepEqual([ended.signal, ended.stderr], ['SIGTERM', '']);
        const { received } = agent.receiver;
        // The signal may come before the one that was asked for is made: then there is one with everything.
        t.deepEqual(
          received.map(({ tags }) => [tags.get('snapshot'), tags.get('profile_seq')]),
          received.map((_, index) => [
            index === received.length - 1 ? 'on_shutdown' : 'periodic',
            String(index),
          ]),
        );
        t.true(received.reduce((sum, upload) => sum + cpuOf(upload), 0) >= BURNT_MILLISECONDS);
        t.deepEqual(
          profilesIn(dirname(output)).map((file) => digest(readFileSync(file))),
          received.map(({ attachments }) => digest(attachments.get('wall.pprof'))),
        );
      },
    );
  }

  test.serial(
    `Node.js ${major}: without a spool and an Agent a signal ends the process in time, and one line says what is lost`,
    async (t) => {
      for (const state of ['hanging', 'none'] as const) {
        const agent = await startAgent(t, state);
        // The thread has so long to come to its own line, on a machine that is busy too.
        const ended = await endBySignal(path, agent, 'ready();', { EVERFLAME_EXIT_TIMEOUT: '5' });
        t.is(ended.signal, 'SIGTERM');
        t.deepEqual(spooled(agent.spool), []);
        t.is(
          ended.stderr
            .split('\n')
            .filter((line) =>
              /lost with the process \(EVERFLAME_SPOOL=off\)|What was not sent is lost/.test(line),
            ).length,
          1,
          ended.stderr,
        );
      }
    },
  );
}
