/** The pure rules of delivery: how long to wait, in which order, and what is left of an upload that was sent in parts. */
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { Profile } from 'pprof-format';
import { Backoff } from '#src/upload/backoff.js';
import { eventOf } from '#src/upload/event.js';
import { oldestFirst, type Parcel } from '#src/upload/parcel.js';
import { begun, isDone, pieceRequest, piecesOf } from '#src/upload/pieces.js';
import { splitUpload } from '#src/upload/split.js';
import type { OutgoingRequest } from '#src/upload/upload.js';
import { encodeProfile, type GivenSample } from '../support/build-profile.js';
import { givenIdentity, givenUpload } from '../support/build-upload.js';
import { checkProfile, plainBytes } from '../support/receivers/pprof-contract.js';
import { sumsBy, WALL_TYPES, wallSamples } from '../support/truth.js';

const MINUTE = 60_000;

for (const [random, share] of [
  [0, 0.5],
  [1, 1],
] as const) {
  test(`pauses double until the retry time is over and are a period then; chance ${random} makes them ${share} of it`, (t) => {
    const backoff = new Backoff(MINUTE, 3 * MINUTE, () => random);
    const pauses = [0, 1000, 3000, 7000, 59_999, 60_000, 240_000].map((now) => backoff.next(now));
    t.deepEqual(
      pauses,
      [1000, 2000, 4000, 8000, 16_000, 3 * MINUTE, 3 * MINUTE].map((pause) => pause * share),
    );
    backoff.reset();
    t.is(backoff.next(300_000), 1000 * share);
  });
}

test('no pause is undercut, none is longer than ten minutes, and none is shorter than half a second', (t) => {
  const backoff = new Backoff(MINUTE, 1, () => 0);
  t.is(backoff.next(0, 5000), 5000);
  t.is(backoff.next(0, 365 * 24 * 60 * MINUTE), 10 * MINUTE);
  t.is(backoff.next(MINUTE), 500);
  const patient = new Backoff(Number.MAX_SAFE_INTEGER, MINUTE, () => 1);
  for (let failures = 0; failures < 2000; failures++) t.true(patient.next(0) <= 10 * MINUTE);
});

test('parcels go by their time, and those of one process by their numbers', (t) => {
  const parcel = (runtimeId: string, sequence: number, time: number): Parcel => ({
    upload: undefined,
    file: undefined,
    identity: givenIdentity({ runtimeId }),
    reason: 'periodic',
    sequence,
    time,
    bytes: 1,
    pending: new Map(),
    others: {},
  });
  // The clock of the first was set back after its second profile.
  const given = [
    parcel('a', 3, 40),
    parcel('b', 9, 45),
    parcel('a', 1, 100),
    parcel('a', 2, 200),
    parcel('b', 10, 150),
    parcel('a', 4, 50),
  ];
  const order = oldestFirst(given).map(({ identity, sequence }) => `${identity.runtimeId}${sequence}`);
  t.deepEqual(order, ['a1', 'b9', 'a2', 'a3', 'b10', 'a4']);
});

const START = BigInt(Date.now()) * 1_000_000n;

function given(samples: GivenSample[]) {
  const period = { start: START, durationNanoseconds: 60_000_000_000n, period: 10_101_010 };
  const provenance = { name: 'code-provenance.json', data: Buffer.from('{"v1":[]}') };
  const types: [string, string][] = [...WALL_TYPES];
  return givenUpload([
    {
      name: 'wall.pprof',
      data: encodeProfile(types, samples, { ...period, periodType: ['cpu', 'nanoseconds'] }),
    },
    provenance,
  ]);
}

/** Sums of one column by everything that a sample has. */
function sums(samples: { values: (number | bigint)[] }[], column: number): Map<string, bigint> {
  return sumsBy(
    samples,
    ({ values: _, ...rest }) =>
      JSON.stringify(rest, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
    ({ values }) => BigInt(values[column] ?? 0),
  );
}

test('the parts of an upload have its sums, its names and its labels, and each what belongs to it', async (t) => {
  const upload = given(wallSamples(211, 13, START));
  const read = (data: Buffer) => checkProfile(plainBytes(data).plain);
  const whole = read(upload.attachments[0]?.data ?? Buffer.alloc(0));
  for (const pieces of [1, 2, 4, 64]) {
    const parts = [...(await splitUpload(upload, pieces)).values()];
    t.is(parts.length, pieces);
    const profiles = parts.map(({ attachments }) => read(attachments[0]?.data ?? Buffer.alloc(0)));
    const samples = profiles.flatMap((profile) => profile.samples);
    for (const column of [0, 1, 2]) t.deepEqual(sums(samples, column), sums(whole.samples, column));
    t.deepEqual(
      parts.map(({ attachments }) => attachments.length),
      [2, ...Array(pieces - 1).fill(1)],
    );
    for (const profile of profiles) {
      t.deepEqual(profile.types, whole.types);
      t.is(profile.timeNanos, whole.timeNanos);
    }
  }
});

test('the series of a period are in one of the parts, and other comments in each', async (t) => {
  const series = 'everflame.metrics:{"start":0}';
  const profile = Profile.decode(gunzipSync(encodeProfile([...WALL_TYPES], wallSamples(5, 13, START))));
  profile.comment = ['another', series].map((text) => profile.stringTable.dedup(text));
  const upload = givenUpload([{ name: 'wall.pprof', data: gzipSync(profile.encode()) }]);
  for (const pieces of [1, 2, 16]) {
    const parts = [...(await splitUpload(upload, pieces)).values()];
    const comments = parts.map(({ attachments }) => {
      const { comment, stringTable } = Profile.decode(gunzipSync(attachments[0]?.data ?? Buffer.alloc(0)));
      return comment.map((place) => stringTable.strings[Number(place)]);
    });
    t.deepEqual(comments, [['another', series], ...Array(parts.length - 1).fill(['another'])]);
    t.is(parts.length, Math.min(pieces, 5));
  }
});

test('requests are counted once, however many parts there are, and each part names the labels of the program', async (t) => {
  const endpointCounts = { 'GET /': 11, 'POST /orders': 7 };
  const upload = { ...given(wallSamples(97, 13, START)), endpointCounts, customAttributes: ['tenant'] };
  for (const pieces of [1, 2, 8]) {
    const events = [...(await splitUpload(upload, pieces)).values()].map(eventOf);
    t.deepEqual(
      events.map((event) => event.endpoint_counts),
      [endpointCounts, ...Array(pieces - 1).fill(null)],
    );
    for (const event of events) t.deepEqual(event.custom_attributes, ['tenant']);
  }
});

test('a part of a part is that of the whole: so what was sent of one need not be sent again', async (t) => {
  const upload = given(wallSamples(97, 13, START));
  const countOf = async (pieces: number): Promise<bigint[]> =>
    [...(await splitUpload(upload, pieces)).values()].map(({ attachments }) => {
      const { plain } = plainBytes(attachments[0]?.data ?? Buffer.alloc(0));
      return checkProfile(plain).samples.reduce((sum, { values }) => sum + BigInt(values[1] ?? 0), 0n);
    });
  const [halves, quarters] = [await countOf(2), await countOf(4)];
  t.deepEqual(
    [0, 1].map((half) => (quarters[2 * half] ?? 0n) + (quarters[2 * half + 1] ?? 0n)),
    halves,
  );
});

test('fewer samples than parts make fewer parts, and none is empty', async (t) => {
  const upload = given(wallSamples(3, 3, START));
  const parts = await splitUpload(upload, 8);
  const profiles = [...parts.values()].flatMap(({ attachments }) =>
    attachments.filter(({ name }) => name === 'wall.pprof'),
  );
  t.is(profiles.length, 3);
});

test('a part keeps its place where those before it are empty', async (t) => {
  const upload = given(wallSamples(3, 3, START));
  upload.attachments = upload.attachments.filter(({ name }) => name === 'wall.pprof');
  const placesOf = async (pieces: number): Promise<number[]> => [
    ...(await splitUpload(upload, pieces)).keys(),
  ];
  t.deepEqual(await placesOf(2), [0, 1]);
  t.deepEqual(await placesOf(4), [1, 2, 3]);
  t.deepEqual(await placesOf(8), [2, 5, 7]);
});

function request(part: string): OutgoingRequest {
  return { part, url: '', headers: {}, body: Buffer.alloc(0) };
}

test('what a receiver has of an upload says in how many parts it was sent', (t) => {
  t.is(piecesOf([]), undefined);
  t.is(piecesOf(['event']), 1);
  t.is(piecesOf(['wall 1/2', 'wall 3/8']), 8);
  t.is(piecesOf(['wall 1/3']), undefined, 'nothing is sent in three');
  t.is(piecesOf(['wall 1/Infinity']), 1);
  t.is(piecesOf(['wall 1/128']), undefined, 'nothing is sent in more than 64');
});

test('a part is done with the larger one that it is of', (t) => {
  const done = new Set(['wall 1/2', 'process_cpu 2/2', 'wall.2 1/2']);
  t.true(isDone(done, 'wall', 1, 4));
  t.true(isDone(done, 'wall.3', 1, 4), 'all of it was there before it was divided');
  t.false(isDone(done, 'wall', 2, 4));
  t.true(isDone(done, 'process_cpu', 3, 4));
  t.false(isDone(done, 'wall.3', 0, 2));
});

test('what is divided already by an exporter is not divided again once a receiver has a part of it', (t) => {
  const requests = ['wall', 'wall.2', 'wall.3', 'process_cpu'].map((part) =>
    pieceRequest(request(part), 0, 2),
  );
  t.deepEqual(begun(requests, new Set()), []);
  const rest = begun(requests, new Set(['wall.2 1/2'])).map(({ name }) => name);
  t.deepEqual(rest, ['wall 1/2', 'wall.3 1/2']);
});
