import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { addUp } from '#src/upload/pprof/add-up.js';
import { decodeProfile } from '#src/upload/pprof/decode.js';
import { encodeProfile as encode } from '#src/upload/pprof/encode.js';
import { relabel } from '#src/upload/pprof/label-sets.js';
import type { PprofProfile } from '#src/upload/pprof/model.js';
import { split } from '#src/upload/pprof/split.js';
import { encodeProfile, type GivenSample } from '../support/build-profile.js';
import { checkProfile } from '../support/receivers/pprof-contract.js';
import { sumOf, WALL_TYPES, wallSamples } from '../support/truth.js';

const START = 1_790_000_000_123_456_789n;

/** All columns and labels as they are, without the times. */
function all(profile: PprofProfile): Buffer {
  const labels = relabel(profile.labelSets, (set) => set);
  const columns = profile.types.map((_, column) => column);
  const encoded = encode({
    source: profile,
    types: profile.types,
    samples: addUp(profile, { columns, labels }),
    labelSets: labels.sets,
    periodType: profile.periodType ?? { type: '', unit: '' },
    period: profile.period,
    start: profile.start,
    durationNanoseconds: profile.durationNanoseconds,
  });
  return Buffer.from(encoded);
}

test('what is read and written again is the same, but for times', async (t) => {
  // Each stack has one thread and no sample is like another, so that the order stays.
  const samples = wallSamples(503, 503, START).map((sample, index) => ({
    ...sample,
    labels: { ...sample.labels, size: BigInt(index) * 2n ** 40n, negative: -1n },
  }));
  const period = {
    start: START,
    durationNanoseconds: 60_000_000_007n,
    period: 10_101_010,
    periodType: ['wall', 'nanoseconds'] as [string, string],
  };
  const data = encodeProfile(WALL_TYPES, samples, period);
  const before = checkProfile(gunzipSync(data));
  for (const { labels } of before.samples) labels.delete('end_timestamp_ns');
  for (const bytes of [data, gunzipSync(data)]) {
    const after = checkProfile(all(await decodeProfile('wall.pprof', bytes)));
    t.deepEqual({ ...after, bytes: 0 }, { ...before, bytes: 0 });
  }
});

test('parts hold all samples, each within the limits, and only what they use', async (t) => {
  const samples = wallSamples(2003, 211, START);
  const profile = await decodeProfile('wall.pprof', encodeProfile(WALL_TYPES, samples));
  const labels = relabel(profile.labelSets, (set) => set);
  const added = addUp(profile, { columns: [0, 1, 2], labels });
  for (const limits of [
    { bytes: 20_000, samples: 1e9 },
    { bytes: 1e9, samples: 97 },
    { bytes: 9_000, samples: 89 },
    // None of them has room: each sample is a part.
    { bytes: 1, samples: 1e9 },
  ]) {
    const parts = split(profile, added, labels.sets, limits);
    t.deepEqual(
      parts.flatMap((part) => part.samples),
      added,
    );
    t.true(parts.length > 1);
    for (const part of parts) {
      const encoded = encode({
        ...part,
        source: profile,
        types: profile.types,
        labelSets: labels.sets,
        periodType: { type: 'wall', unit: 'nanoseconds' },
        period: 1,
        start: 0n,
        durationNanoseconds: 0n,
      });
      const { length } = part.samples;
      t.true(length <= limits.samples);
      if (length > 1) t.true(encoded.length <= limits.bytes, `${encoded.length} of ${limits.bytes}`);
      t.is(checkProfile(Buffer.from(encoded)).samples.length, length);
    }
  }
  t.is(split(profile, added, labels.sets, { bytes: 1e9, samples: 1e9 }).length, 1);
  t.deepEqual(split(profile, [], labels.sets, { bytes: 1, samples: 1 }), []);
});

test('values are exact where numbers are not', async (t) => {
  const stack = [{ name: 'f', file: 'f.js' }];
  const values = [2n ** 62n, 2n ** 53n - 1n, 1n, 1n, 3n];
  const samples: GivenSample[] = values.map((value) => ({ values: [value], stack }));
  const profile = await decodeProfile('wall.pprof', encodeProfile([['wall', 'nanoseconds']], samples));
  const [sample] = addUp(profile, { columns: [0], labels: relabel(profile.labelSets, () => []) });
  t.is(sample?.values[0], sumOf(samples, 0));
});

test('bytes that are no profile are told as such, whatever they are', async (t) => {
  const whole = gunzipSync(encodeProfile(WALL_TYPES, wallSamples(31, 7, START)));
  const reason = async (data: Buffer): Promise<string> =>
    decodeProfile('x.pprof', data).then(
      () => 'taken',
      (error: Error) => error.message,
    );
  t.is(await reason(Buffer.alloc(0)), 'x.pprof is not a profile: its first string is not empty');
  t.regex(
    await reason(gzipSync(whole).subarray(0, 200)),
    /^x\.pprof is not a profile: unexpected end of file/,
  );
  t.regex(await reason(encodeProfile(WALL_TYPES, [{ values: [1], stack: [] }])), /has 1 values instead of 3/);
  // Neither a crash nor a hang: an error, or a profile whose numbers are others.
  for (let offset = 0; offset < whole.length; offset += 7) {
    for (const byte of [0x00, 0x7f, 0xff]) {
      const damaged = Buffer.from(whole);
      damaged[offset] = byte;
      t.regex(await reason(damaged), /^(taken$|x\.pprof is not a profile: )/);
      t.regex(await reason(damaged.subarray(0, offset)), /^(taken$|x\.pprof is not a profile: )/);
    }
  }
});
