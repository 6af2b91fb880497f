/** Processes that end while a profile is on its way to an Agent that does not answer: somebody has it until it is settled. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeSend, type Send } from '#src/upload/send.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { AUTO, run, start } from '../support/spawn.js';
import { spooled, startAgent } from './support/agent.js';
import { agentExporter } from './support/exporters.js';
import { type DeliveringProcess, fates, givenProcess, givenProfile } from './support/process.js';

/** Sends when it is let. */
function heldSend(): { send: Send; release: () => void } {
  const send = makeSend('everflame/test', 60_000);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { send: (request, signal) => released.then(() => send(request, signal)), release };
}

/** The sampler writes what it has a copy of, as where a signal ends the process. */
function writeCopy({ spool, identity }: DeliveringProcess, sequence: number): void {
  const [profile] = givenProfile(identity, sequence).attachments;
  const name = `profile.${identity.pid}.${sequence}.wall.pprof`;
  writeFileSync(join(spool?.folder ?? '', name), profile?.data ?? '');
}

test('a profile is safe in the spool, or when it is settled, and not before', async (t) => {
  const agent = await startDatadogReceiver();
  t.teardown(agent.close);
  const { send, release } = heldSend();
  const exporters = [agentExporter(agent)];
  const kept = givenProcess(t, { exporters, root: temporaryFolder(t), send });
  kept.take(0);
  t.deepEqual(kept.safe, []);
  kept.clock.forward(1000);
  t.deepEqual(kept.safe, [0]);
  const ahead = givenProcess(t, { exporters, root: temporaryFolder(t), send, always: true });
  ahead.take(0);
  t.deepEqual(ahead.safe, [0]);
  const settled = givenProcess(t, { exporters, root: temporaryFolder(t), send });
  settled.take(0);
  release();
  await settled.untilSent();
  t.deepEqual(settled.safe, [0]);
  t.deepEqual(fates(settled.counters), { uploads_taken: 1, uploads_delivered: 1 });
  const forNobody = givenProcess(t, { exporters: [], root: temporaryFolder(t) });
  forNobody.take(0);
  t.deepEqual(forNobody.safe, [0]);
});

test('a copy that the sampler writes of a profile on its way, or of one settled since, is not sent', async (t) => {
  const agent = await startDatadogReceiver();
  t.teardown(agent.close);
  const { send, release } = heldSend();
  const sender = givenProcess(t, { exporters: [agentExporter(agent)], root: temporaryFolder(t), send });
  sender.take(0);
  writeCopy(sender, 0);
  sender.look();
  t.deepEqual(sender.safe, [0]);
  const [file] = sender.spool?.own() ?? [];
  t.is(file && sender.spool?.noteOf(file)?.reason, 'periodic', 'with what goes with it');
  sender.take(1);
  release();
  await sender.untilSent();
  writeCopy(sender, 1);
  writeCopy(sender, 2);
  sender.look();
  await sender.untilSent();
  t.deepEqual(
    agent.received.map(({ tags }) => [tags.get('profile_seq'), tags.get('snapshot')]),
    [
      ['0', 'periodic'],
      ['1', 'periodic'],
      ['2', 'on_shutdown'],
    ],
  );
  t.deepEqual(agent.violations, []);
  t.deepEqual(fates(sender.counters), { uploads_taken: 3, uploads_delivered: 3 });
  t.deepEqual(sender.spool?.own(), []);
});

/** Goes on when the delivery thread has a profile, which no Agent answers for. */
const FLUSHED = (script: string): string => `${BURN}
  setInterval(() => {}, 1000);
  const profiler = globalThis[Symbol.for('everflame.running')];
  (function begin() {
    if (!profiler.status.threads.some(({ name }) => name === 'everflame-upload')) return setTimeout(begin, 10);
    burn(100);
    profiler.flush();
    (function look() {
      if (profiler.metrics().uploads.uploads_taken < 1) return setTimeout(look, 1);
      burn(50);
      ${script}
    })();
  })();`;
const SAYS_READY = `require('node:fs').writeSync(1, 'ready\\n');`;

/** How a process ends a moment after a flush. */
const ENDS: { name: string; script: string; signal?: NodeJS.Signals; env?: Record<string, string> }[] = [
  {
    name: 'by process.exit() that waits for nothing',
    script: 'process.exit(0);',
    env: { EVERFLAME_EXIT_TIMEOUT: '0' },
  },
  { name: 'by process.exit()', script: 'process.exit(0);', env: { EVERFLAME_EXIT_TIMEOUT: '1' } },
  {
    name: 'by SIGTERM that waits for nothing',
    script: SAYS_READY,
    signal: 'SIGTERM',
    env: { EVERFLAME_EXIT_TIMEOUT: '0' },
  },
  { name: 'by SIGTERM', script: SAYS_READY, signal: 'SIGTERM', env: { EVERFLAME_EXIT_TIMEOUT: '1' } },
];

/** The numbers of the profiles of a process that an Agent gets from the next one. */
async function numbersFrom(
  t: ExecutionContext,
  path: string,
  agent: Awaited<ReturnType<typeof startAgent>>,
  pid: number,
): Promise<(string | undefined)[]> {
  await agent.recover();
  const env = { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '20' };
  const next = await run(path, ['--require', AUTO, '-e', `${BURN} burn(50);`], { env });
  t.deepEqual([next.code, next.stderr], [0, '']);
  t.deepEqual(agent.receiver.violations, []);
  t.deepEqual(spooled(agent.spool), []);
  const { received } = agent.receiver;
  const own = received.filter(({ tags }) => tags.get('process_id') === String(pid));
  return own.map(({ tags }) => tags.get('profile_seq'));
}

for (const { major, path } of testNodes()) {
  for (const { name, script, signal, env } of ENDS) {
    test.serial(`Node.js ${major}: a profile on its way survives an end ${name}`, async (t) => {
      const agent = await startAgent(t, 'hanging');
      const program = start(path, ['--require', AUTO, '-e', FLUSHED(script)], {
        env: { ...agent.env, ...env },
      });
      if (signal) {
        await program.said('ready');
        program.child.kill(signal);
      }
      const ended = await program.ended;
      t.is(ended.signal, signal ?? null);
      t.is(spooled(agent.spool).length, 2, `${readdirSync(agent.spool, { recursive: true })}`);
      t.deepEqual(await numbersFrom(t, path, agent, ended.pid), ['0', '1']);
    });
  }

  test.serial(
    `Node.js ${major}: with EVERFLAME_SPOOL=always SIGKILL loses no profile on its way`,
    async (t) => {
      const agent = await startAgent(t, 'hanging');
      const program = start(path, ['--require', AUTO, '-e', FLUSHED(SAYS_READY)], {
        env: { ...agent.env, EVERFLAME_SPOOL: 'always' },
      });
      await program.said('ready');
      program.child.kill('SIGKILL');
      const ended = await program.ended;
      t.is(spooled(agent.spool).length, 1);
      const [first] = await numbersFrom(t, path, agent, ended.pid);
      t.is(first, '0');
    },
  );
}
