/** What the delivery thread makes of profiles that the sampler has written by itself. */
import { randomUUID } from 'node:crypto';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { Logger } from '#src/log.js';
import { counterMemory, sharedCounters } from '#src/upload/counters.js';
import { makeSpoolFolder } from '#src/upload/seed.js';
import { Station } from '#src/upload/station.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { WALL_TYPES, wallSamples } from '../support/truth.js';
import { givenSeed, PERIOD_MILLISECONDS } from './support/process.js';

const LONG_MILLISECONDS = 20_000;
const PERIOD = { durationNanoseconds: 60_000_000_000n, period: 10_101_010 };

for (const [what, ageSeconds, reason] of [
  ['a moment ago is the last one of an end that is about to be told', 0, 'on_shutdown'],
  ['a while ago is one of a period', 5, 'periodic'],
] as const) {
  test(`what the sampler has written ${what}`, async (t) => {
    const receiver = await startDatadogReceiver();
    t.teardown(receiver.close);
    const root = temporaryFolder(t);
    const seed = givenSeed({ runtimeId: randomUUID(), options: { url: receiver.url } });
    const folder = makeSpoolFolder(root, seed);
    const start = BigInt(Date.now()) * 1_000_000n - PERIOD.durationNanoseconds;
    const file = join(folder, `profile.${process.pid}.0.wall.pprof`);
    writeFileSync(file, encodeProfile(WALL_TYPES, wallSamples(11, 7, start), { start, ...PERIOD }));
    const written = Date.now() / 1000 - ageSeconds;
    utimesSync(file, written, written);
    const station = new Station({
      seed,
      spool: { root, folder },
      always: false,
      periodMilliseconds: PERIOD_MILLISECONDS,
      counters: sharedCounters(counterMemory()),
      logger: new Logger('off'),
    });
    t.teardown(() => station.close());
    // It has looked by then.
    await pause(20);
    await station.finish(LONG_MILLISECONDS);
    t.deepEqual(receiver.violations, []);
    t.deepEqual(
      receiver.received.map(({ tags }) => tags.get('snapshot')),
      [reason],
    );
  });
}
