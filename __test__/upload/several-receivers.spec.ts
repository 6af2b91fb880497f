/** Several receivers, and profiles that one of them, or a part of one, has already: nothing is sent there again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeSend, NoAnswer, type Send } from '#src/upload/send.js';
import { temporaryFolder } from '../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { type PyroscopeReceiver, startPyroscopeReceiver } from '../support/receivers/pyroscope.js';
import { sumOf, wallSamples } from '../support/truth.js';
import { agentExporter, pyroscopeExporter } from './support/exporters.js';
import { ENDED, fates, givenProcess, givenProfile, waiting } from './support/process.js';

const WALL = 'wall:wall:nanoseconds:wall:nanoseconds';
const CPU = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

async function receivers(
  t: ExecutionContext,
): Promise<{ agent: DatadogReceiver; pyroscope: PyroscopeReceiver }> {
  const agent = await startDatadogReceiver();
  t.teardown(agent.close);
  const pyroscope = await startPyroscopeReceiver();
  t.teardown(pyroscope.close);
  return { agent, pyroscope };
}

function numbersOf({ received }: DatadogReceiver): string[] {
  return received.map(({ tags }) => tags.get('profile_seq') ?? '');
}

/** Sends but for requests of which `isBroken` says that their connection breaks. */
function sendUnless(isBroken: (part: string) => boolean): Send {
  const send = makeSend('everflame/test', 60_000);
  return (request, signal) =>
    isBroken(request.part) ? Promise.reject(new NoAnswer('cut off')) : send(request, signal);
}

test('one that fails does not hold up another, and the other gets nothing twice, also from the next process', async (t) => {
  const { agent, pyroscope } = await receivers(t);
  const root = temporaryFolder(t);
  const exporters = () => [agentExporter(agent), pyroscopeExporter(pyroscope)];
  agent.faults.always({ kind: 'status', status: 503 });
  const first = givenProcess(t, { exporters: exporters(), root, seed: ENDED });
  first.take(0, 1, 2);
  await first.dispatcher.rest();
  first.clock.forward(1000);
  await first.dispatcher.rest();
  t.deepEqual(fates(first.counters), { uploads_taken: 6, uploads_delivered: 3 });
  t.is(pyroscope.received.length, 6, 'wall and CPU of three');
  first.dispatcher.stop();
  t.is(first.spool?.own().length, 3);

  agent.faults.always(undefined);
  const second = givenProcess(t, { exporters: exporters(), root });
  second.look();
  await second.untilSent();
  t.deepEqual(numbersOf(agent), ['0', '1', '2']);
  t.is(pyroscope.received.length, 6);
  t.deepEqual(fates(second.counters), { uploads_taken: 3, uploads_delivered: 3 });
});

for (const isBySampler of [false, true]) {
  const whose = isBySampler ? 'the sampler wrote' : 'the process took';
  test(`of a profile that ${whose} the part that Pyroscope has is not sent again, also by the next process`, async (t) => {
    const { pyroscope } = await receivers(t);
    const root = temporaryFolder(t);
    const send = sendUnless((part) => part === 'process_cpu');
    const exporters = [pyroscopeExporter(pyroscope)];
    const first = givenProcess(t, { exporters, root, send, seed: ENDED });
    const upload = givenProfile(first.identity, 3, 101);
    if (isBySampler) {
      const path = join(first.spool?.folder ?? '', 'profile.4242.3.wall.pprof');
      writeFileSync(path, upload.attachments[0]?.data ?? '');
      first.look();
    } else first.dispatcher.take(upload);
    await first.dispatcher.rest();
    t.deepEqual([...pyroscope.totals.keys()].includes(CPU), false);
    t.is(waiting(first.counters), 1);
    first.dispatcher.stop();

    const second = givenProcess(t, { exporters, root });
    second.look();
    await second.untilSent();
    const samples = wallSamples(104, 7, upload.start);
    t.is(pyroscope.received.length, 2);
    t.is(pyroscope.totals.get(WALL), sumOf(samples, 1));
    t.is(pyroscope.totals.get(CPU), sumOf(samples, 2));
    t.deepEqual(fates(second.counters), { uploads_taken: 1, uploads_delivered: 1 });
  });
}

test('the halves of a profile that a receiver has are not sent again by the next process', async (t) => {
  const { agent } = await receivers(t);
  const root = temporaryFolder(t);
  agent.faults.next({ kind: 'status', status: 413 });
  let sent = 0;
  // The whole is too large, one half arrives, and then the Agent is gone.
  const send = sendUnless(() => ++sent > 2);
  const first = givenProcess(t, { exporters: [agentExporter(agent)], root, send, seed: ENDED });
  const upload = givenProfile(first.identity, 5, 96);
  first.dispatcher.take(upload);
  await first.dispatcher.rest();
  t.is(agent.received.length, 1);
  first.dispatcher.stop();

  const second = givenProcess(t, { exporters: [agentExporter(agent)], root });
  second.look();
  await second.untilSent();
  const sum = agent.received
    .flatMap(({ profiles }) => profiles.get('wall.pprof')?.samples ?? [])
    .reduce((total, { values }) => total + BigInt(values[1] ?? 0), 0n);
  t.is(agent.received.length, 2);
  t.is(sum, sumOf(wallSamples(101, 7, upload.start), 1));
});

test('who sends to one of two receivers leaves the other its part', async (t) => {
  const { agent, pyroscope } = await receivers(t);
  const root = temporaryFolder(t);
  await agent.faults.refuse();
  await pyroscope.faults.refuse();
  const both = [agentExporter(agent), pyroscopeExporter(pyroscope)];
  const first = givenProcess(t, { exporters: both, root, seed: ENDED });
  first.take(0, 1);
  await first.dispatcher.rest();
  first.dispatcher.stop();
  await agent.faults.accept();
  await pyroscope.faults.accept();

  const second = givenProcess(t, { exporters: [agentExporter(agent)], root });
  second.look();
  await second.untilSent();
  t.deepEqual(numbersOf(agent), ['0', '1']);
  t.is(pyroscope.received.length, 0);
  second.look();
  t.deepEqual(fates(second.counters), { uploads_taken: 2, uploads_delivered: 2 }, 'it is not taken again');

  const third = givenProcess(t, { exporters: [pyroscopeExporter(pyroscope)], root });
  third.look();
  await third.untilSent();
  t.is(pyroscope.received.length, 4);
  t.deepEqual(fates(third.counters), { uploads_taken: 2, uploads_delivered: 2 });
  third.dispatcher.tidy();
  t.is(third.counters.spool_profiles, 0);
});

test('what waits for a receiver that nobody sends to any more goes by its age, and is counted', async (t) => {
  const { agent, pyroscope } = await receivers(t);
  const root = temporaryFolder(t);
  await pyroscope.faults.refuse();
  const first = givenProcess(t, {
    exporters: [agentExporter(agent), pyroscopeExporter(pyroscope)],
    root,
    seed: ENDED,
  });
  first.take(0);
  await first.dispatcher.rest();
  first.dispatcher.stop();
  const second = givenProcess(t, { exporters: [agentExporter(agent)], root });
  second.look();
  t.deepEqual(fates(second.counters), {});
  t.is(second.counters.spool_profiles, 1);
  second.clock.forward(86_400_001);
  second.look();
  t.deepEqual(fates(second.counters), { uploads_taken: 1, uploads_expired: 1 });
  t.is(second.counters.spool_profiles, 0);
});
