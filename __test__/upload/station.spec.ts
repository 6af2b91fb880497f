/** What a process makes of profiles in the spool: its own, and those that ended processes have left. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeSpoolFolder } from '#src/upload/seed.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { WALL_TYPES, wallSamples } from '../support/truth.js';
import { ENDED, givenSeed, givenStation } from './support/process.js';

const LONG_MILLISECONDS = 20_000;
const NANOSECONDS = 60_000_000_000n;

/** What happens, which profiles the sampler has written, whether one is handed over, and the reasons that arrive by number. */
const CASES = [
  ['the process runs on', [0, 1], undefined, false, ['periodic', 'periodic']],
  ['a signal ends the process', [0, 1], undefined, true, ['periodic', 'on_shutdown']],
  ['a signal comes behind the last profile', [0, 1], 2, true, ['periodic', 'periodic', 'on_shutdown']],
] as const;

for (const [what, written, handed, isEnding, reasons] of CASES) {
  test(`${what}: ${reasons.join(', ')}`, async (t) => {
    const receiver = await startDatadogReceiver();
    t.teardown(receiver.close);
    const root = temporaryFolder(t);
    const seed = givenSeed({ runtimeId: randomUUID(), options: { url: receiver.url } });
    const folder = makeSpoolFolder(root, seed);
    const start = BigInt(Date.now()) * 1_000_000n - NANOSECONDS;
    const period = { start, durationNanoseconds: NANOSECONDS, period: 10_101_010 };
    const data = encodeProfile(WALL_TYPES, wallSamples(11, 7, start), period);
    for (const number of written) {
      writeFileSync(join(folder, `profile.${process.pid}.${number}.wall.pprof`), data);
    }
    const station = givenStation(seed, { root, folder }, { isEnding: () => isEnding });
    t.teardown(() => station.close());
    if (handed !== undefined) {
      const end = start + NANOSECONDS;
      station.take({ sequence: handed, start, end, reason: 'on_shutdown', data, internal: {} });
    }
    station.look();
    while (receiver.received.length < reasons.length) await station.rest();
    t.deepEqual(receiver.violations, []);
    const arrived = receiver.received.map(({ tags }) => [
      Number(tags.get('profile_seq')),
      tags.get('snapshot'),
    ]);
    t.deepEqual(
      arrived.sort(([a], [b]) => Number(a) - Number(b)),
      reasons.map((reason, number) => [number, reason]),
    );
    await station.finish(LONG_MILLISECONDS);
  });
}

test('nothing stays in memory of the processes that have left something once that has arrived', async (t) => {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  const root = temporaryFolder(t);
  const seed = givenSeed({ runtimeId: randomUUID(), options: { url: receiver.url } });
  const station = givenStation(seed, { root, folder: makeSpoolFolder(root, seed) });
  t.teardown(() => station.close());
  const known = (of: string) => [...(Reflect.get(station, of) as Map<string, unknown>).keys()];
  const start = BigInt(Date.now()) * 1_000_000n - NANOSECONDS;
  const period = { start, durationNanoseconds: NANOSECONDS, period: 10_101_010 };
  const data = encodeProfile(WALL_TYPES, wallSamples(11, 7, start), period);
  for (let generation = 1; generation <= 3; generation++) {
    for (let number = 0; number < 5; number++) {
      const left = givenSeed({ ...ENDED, runtimeId: randomUUID(), options: { url: receiver.url } });
      writeFileSync(join(makeSpoolFolder(root, left), `profile.${left.pid}.0.wall.pprof`), data);
    }
    station.look();
    t.deepEqual(
      [known('identities').length, known('receivers').length],
      [6, 5],
      'of its own, and of these five',
    );
    while (receiver.received.length < 5 * generation) await station.rest();
  }
  station.look();
  t.deepEqual([known('identities'), known('receivers')], [[seed.runtimeId], []]);
  t.is(receiver.received.length, 15);
  t.deepEqual(receiver.violations, []);
  await station.finish(LONG_MILLISECONDS);
});
