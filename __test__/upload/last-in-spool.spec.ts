/** Why a profile was made that the sampler has written: it says so only of the last one, a moment later. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Logger } from '#src/log.js';
import { counterMemory, sharedCounters } from '#src/upload/counters.js';
import { makeSpoolFolder } from '#src/upload/seed.js';
import { Station } from '#src/upload/station.js';
import { givenIdentity } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { givenProfile, givenSeed } from './support/process.js';

/** A process whose sampler has written a profile, and the receiver that it sends to. */
async function given(
  t: ExecutionContext,
): Promise<{ station: Station; path: string; agent: DatadogReceiver }> {
  const agent = await startDatadogReceiver();
  t.teardown(agent.close);
  const root = temporaryFolder(t);
  const seed = givenSeed({ environment: { DD_TRACE_AGENT_URL: agent.url } });
  const folder = makeSpoolFolder(root, seed);
  const [profile] = givenProfile(givenIdentity({ runtimeId: seed.runtimeId }), 0).attachments;
  const path = join(folder, `profile.${process.pid}.0.wall.pprof`);
  writeFileSync(path, profile?.data ?? '');
  const station = new Station({
    seed,
    spool: { root, folder },
    always: false,
    periodMilliseconds: 60_000,
    safe: () => undefined,
    counters: sharedCounters(counterMemory()),
    logger: new Logger('off'),
  });
  t.teardown(() => station.close());
  return { station, path, agent };
}

const reasonsAt = ({ received }: DatadogReceiver): unknown[] =>
  received.map(({ tags }) => tags.get('snapshot'));

test('the last profile is not taken for a periodic one before the sampler tells of it', async (t) => {
  const { station, agent } = await given(t);
  for (let turns = 0; turns < 5; turns++) await turn();
  await station.rest();
  t.deepEqual(reasonsAt(agent), []);
  await station.finish(10_000);
  t.deepEqual(reasonsAt(agent), ['on_shutdown']);
});

test('a profile that it has written before, or that somebody tells of, is a periodic one', async (t) => {
  const early = await given(t);
  const before = Date.now() / 1000 - 1;
  utimesSync(early.path, before, before);
  for (let turns = 0; turns < 5; turns++) await turn();
  await early.station.rest();
  t.deepEqual(reasonsAt(early.agent), ['periodic']);
  const told = await given(t);
  told.station.look(true);
  await told.station.rest();
  t.deepEqual(reasonsAt(told.agent), ['periodic']);
});

test('one that nobody tells of is taken a moment later', async (t) => {
  const { agent } = await given(t);
  while (agent.received.length === 0) await turn();
  t.deepEqual(reasonsAt(agent), ['periodic']);
});
