/** One receiver that fails in each way there is: what it took in the end, and what the process says and counts. */
import { randomBytes } from 'node:crypto';
import { utimesSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { DatadogExporter } from '#src/upload/exporters/datadog.js';
import type { Parcel } from '#src/upload/parcel.js';
import { makeSend, NoAnswer, type Send } from '#src/upload/send.js';
import { pathOf } from '#src/upload/spool-folder.js';
import { Turn } from '#src/upload/turn.js';
import type { Exporter } from '#src/upload/upload.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import type { DatadogReceiver } from '../support/receivers/datadog.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import type { Fault } from '../support/receivers/faulty-server.js';
import { checkProfile, plainBytes } from '../support/receivers/pprof-contract.js';
import { sumOf, WALL_TYPES, wallSamples } from '../support/truth.js';
import { agentExporter } from './support/exporters.js';
import { type DeliveringProcess, fates, givenProcess, givenProfile, waiting } from './support/process.js';

const NUMBERS = [0, 1, 2, 3, 4];
const MINUTE = 60_000;

async function agent(t: ExecutionContext, options = {}): Promise<DatadogReceiver> {
  const receiver = await startDatadogReceiver(options);
  t.teardown(receiver.close);
  return receiver;
}

/** The numbers of the profiles that a receiver has, in the order in which they came. */
function numbersOf(receiver: DatadogReceiver): number[] {
  return receiver.received.map(({ tags }) => Number(tags.get('profile_seq')));
}

function arrivedOnce(t: ExecutionContext, receiver: DatadogReceiver, { counters }: DeliveringProcess): void {
  t.deepEqual(receiver.violations, []);
  t.deepEqual(numbersOf(receiver), NUMBERS);
  t.deepEqual(fates(counters), { uploads_taken: 5, uploads_delivered: 5 });
}

const PASSING: Record<string, Fault> = {
  'a reset in the middle of the request': { kind: 'reset', afterBytes: 100 },
  'a reset instead of an answer': { kind: 'reset' },
  'an answer that is no HTTP': { kind: 'garbage' },
  'status 408': { kind: 'status', status: 408 },
  'status 429': { kind: 'status', status: 429 },
  'status 429 with Retry-After': { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
  'status 500': { kind: 'status', status: 500, body: 'out of order' },
  'status 503': { kind: 'status', status: 503, headers: { 'retry-after': 'soon' } },
};

for (const isSpooled of [true, false]) {
  const place = isSpooled ? 'with a spool' : 'in memory';
  for (const [what, fault] of Object.entries(PASSING)) {
    test(`after ${what} each profile has arrived once, the oldest first (${place})`, async (t) => {
      const receiver = await agent(t);
      const root = temporaryFolder(t);
      const sender = givenProcess(t, { exporters: [agentExporter(receiver)], ...(isSpooled && { root }) });
      receiver.faults.next(fault, fault, fault);
      sender.take(...NUMBERS);
      await sender.untilSent();
      arrivedOnce(t, receiver, sender);
      t.is(sender.counters.upload_attempts, 8);
      t.is(sender.counters.upload_retries, 3);
      t.is(sender.lines.length, 2, sender.lines.join('\n'));
      t.regex(
        sender.lines[0] ?? '',
        /cannot be sent to the Datadog Agent at .*: .*(DD_TRACE_AGENT_URL|raise that limit|its log says why)/,
      );
      t.regex(sender.lines[1] ?? '', /are sent to .* again; 4 that waited follow/);
    });
  }
}

test('a refused connection is tried again in pauses that double, and then once a period', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
  await receiver.faults.refuse();
  sender.take(...NUMBERS);
  const times: number[] = [];
  for (let attempts = 0; sender.clock.steady() < 10 * MINUTE; ) {
    await sender.dispatcher.rest();
    if (sender.counters.upload_attempts > attempts) times.push(sender.clock.steady() / 1000);
    attempts = sender.counters.upload_attempts;
    sender.clock.toNext();
  }
  // With the pauses as long as chance can make them; a retry time of a minute is over at 63 s.
  t.deepEqual(times, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483, 543]);
  await receiver.faults.accept();
  await sender.untilSent();
  arrivedOnce(t, receiver, sender);
  t.is(sender.lines.length, 2, 'ten minutes of silence after one line');
});

test('a receiver that never answers is given up at the timeout and asked again', async (t) => {
  const receiver = await agent(t);
  const send = makeSend('everflame/test', 2000);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t), send });
  receiver.faults.next({ kind: 'hang' });
  sender.take(...NUMBERS);
  await sender.untilSent();
  arrivedOnce(t, receiver, sender);
  t.regex(sender.lines[0] ?? '', /no answer within 2000 ms/);
});

test('the status counts, and not the end of the answer: a body that drips is not waited for', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)] });
  receiver.faults.next({ kind: 'slow', milliseconds: 3600_000 });
  sender.take(...NUMBERS);
  await sender.untilSent();
  arrivedOnce(t, receiver, sender);
  t.is(sender.counters.upload_attempts, 5);
});

test('Retry-After is waited for, and a year is not', async (t) => {
  for (const [seconds, expected] of [
    [90, 90],
    [31_536_000, 600],
  ] as const) {
    const receiver = await agent(t);
    const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
    receiver.faults.next({ kind: 'status', status: 429, headers: { 'retry-after': String(seconds) } });
    sender.take(0);
    await sender.dispatcher.rest();
    sender.clock.forward(expected * 1000 - 1);
    await sender.dispatcher.rest();
    t.is(sender.counters.upload_attempts, 1);
    sender.clock.forward(1);
    await sender.dispatcher.rest();
    t.is(sender.counters.uploads_delivered, 1);
  }
});

for (const [status, remedy] of [
  [400, /report it with this line/],
  [403, /Check the API key of the Agent/],
  [404, /7\.20 or newer.*DD_TRACE_AGENT_URL/],
] as const) {
  test(`status ${status} is final, and one line names cause and remedy`, async (t) => {
    const receiver = await agent(t);
    const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
    let request = 0;
    receiver.faults.always({ kind: 'status', status, body: `request ${++request}` });
    sender.take(...NUMBERS);
    await sender.untilSent();
    t.deepEqual(fates(sender.counters), { uploads_taken: 5, uploads_refused: 5 });
    t.is(sender.counters.upload_attempts, 5);
    t.is(sender.lines.length, 1, sender.lines.join('\n'));
    t.regex(sender.lines[0] ?? '', new RegExp(`refuses a profile: ${status} \\(request 1\\)`));
    t.regex(sender.lines[0] ?? '', remedy);
    t.deepEqual(sender.spool?.own(), []);
  });
}

test('after 413 profiles go in halves with the same sums, and it is said once in how many parts', async (t) => {
  const receiver = await agent(t, { mostBytes: 11_000 });
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
  const uploads = [0, 1].map((sequence) => givenProfile(sender.identity, sequence, 2003));
  for (const upload of uploads) sender.dispatcher.take(upload);
  await sender.untilSent();
  t.deepEqual(receiver.violations, []);
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_delivered: 2 });
  const [first] = receiver.attempts;
  t.truthy(first);
  t.true(sender.counters.upload_splits >= 1);
  for (const { sequence, start } of uploads) {
    const pieces = receiver.received.filter(({ tags }) => tags.get('profile_seq') === String(sequence));
    t.is(pieces.length, 2 ** sender.counters.upload_splits);
    const sum = pieces
      .flatMap(({ profiles }) => profiles.get('wall.pprof')?.samples ?? [])
      .reduce((total, { values }) => total + BigInt(values[1] ?? 0), 0n);
    t.is(sum, sumOf(wallSamples(2003 + sequence, 7, start), 1));
  }
  t.is(sender.lines.length, 1, sender.lines.join('\n'));
  const parts = 2 ** sender.counters.upload_splits;
  t.regex(sender.lines[0] ?? '', new RegExp(`too large .* sent in ${parts} parts, with the same sums`));
});

/** Takes requests that are narrow enough, of profiles alone, and adds up the wall time of what it has taken. */
function givenNarrow(t: ExecutionContext, isNarrow: (body: Buffer) => boolean) {
  const received = { wall: 0n };
  const exporter: Exporter = {
    name: 'datadog',
    destination: 'a narrow receiver',
    requests: async ({ attachments }) => [
      { part: 'event', url: 'http://nowhere', headers: {}, body: attachments[0]?.data ?? Buffer.alloc(0) },
    ],
    judge: ({ status }) =>
      status === 413 ? { kind: 'too-large', reason: 'too large' } : { kind: 'delivered' },
  };
  const send: Send = async ({ body }) => {
    const answer = { headers: {}, body: Buffer.alloc(0) };
    if (!isNarrow(body)) return { ...answer, status: 413 };
    for (const { values } of samplesOf(body)) received.wall += BigInt(values[1] ?? 0);
    return { ...answer, status: 200 };
  };
  return { received, sender: givenProcess(t, { exporters: [exporter], send }) };
}

function samplesOf(data: Buffer) {
  return checkProfile(plainBytes(data).plain).samples;
}

test('however few samples a part may have, each arrives once', async (t) => {
  for (const most of [1, 2, 3]) {
    for (const count of [3, 5, 7, 11, 13]) {
      const { received, sender } = givenNarrow(t, (body) => samplesOf(body).length <= most);
      const upload = givenProfile(sender.identity, 0, count);
      sender.dispatcher.take(upload);
      await sender.untilSent();
      t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_delivered: 1 });
      const expected = sumOf(wallSamples(count, 7, upload.start), 1);
      t.is(received.wall, expected, `${count} samples, at most ${most} in a request`);
    }
  }
});

test('where one part is too large even then, the others are sent', async (t) => {
  const { received, sender } = givenNarrow(t, (body) => body.length <= 10_000);
  const upload = givenProfile(sender.identity, 0);
  const samples = wallSamples(211, 7, upload.start);
  const [first] = samples;
  // Names that cannot be compressed.
  const name = randomBytes(30_000).toString('base64');
  if (first) first.stack = [{ name, file: '/srv/app.js', line: 3, startLine: 1 }];
  sender.dispatcher.take({
    ...upload,
    attachments: [{ name: 'wall.pprof', data: encodeProfile(WALL_TYPES, samples) }],
  });
  await sender.untilSent();
  // The first of 64 parts has three of the samples.
  t.is(received.wall, sumOf(samples.slice(3), 1));
  t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_refused: 1 });
  t.is(sender.lines.length, 2, sender.lines.join('\n'));
  t.regex(sender.lines[0] ?? '', /From now on each is sent in 64 parts/);
  t.regex(sender.lines[1] ?? '', /refuses a part of a profile: too large\. It is dropped/);
});

test('where no part is small enough it is refused, and the next is not sent in 64 parts', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)] });
  receiver.faults.always({ kind: 'status', status: 413 });
  sender.dispatcher.take(givenProfile(sender.identity, 0, 211));
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_refused: 1 });
  t.is(sender.counters.upload_attempts, 7, 'one for each of 1, 2, 4 … 64 parts');
  receiver.faults.always(undefined);
  sender.take(1);
  await sender.untilSent();
  t.deepEqual(numbersOf(receiver), [1]);
});

test('an Agent that is away for ten minutes gets all of them when it is back, the oldest first', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
  await receiver.faults.refuse();
  for (let minute = 0; minute < 10; minute++) {
    sender.take(minute);
    await sender.dispatcher.rest();
    sender.clock.forward(MINUTE);
    await sender.dispatcher.rest();
    sender.look();
  }
  t.is(waiting(sender.counters), 10);
  t.is(sender.spool?.own().length, 10);
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(numbersOf(receiver), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.deepEqual(fates(sender.counters), { uploads_taken: 10, uploads_delivered: 10 });
  t.deepEqual(sender.spool?.own(), []);
  t.is(sender.lines.length, 2);
});

test('without a spool sixteen wait, and the oldest are counted as lost', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)] });
  await receiver.faults.refuse();
  for (let number = 0; number < 40; number++) {
    sender.take(number);
    await sender.dispatcher.rest();
    sender.clock.forward(MINUTE);
  }
  await sender.dispatcher.rest();
  t.deepEqual(fates(sender.counters), { uploads_taken: 40, uploads_lost: 24 });
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(
    numbersOf(receiver),
    Array.from({ length: 16 }, (_, index) => 24 + index),
  );
  t.deepEqual(fates(sender.counters), { uploads_taken: 40, uploads_lost: 24, uploads_delivered: 16 });
});

test('a clock that is set changes neither the order nor the pauses', async (t) => {
  const attempts: number[] = [];
  for (const jump of [0, -7 * 86_400_000, 7 * 86_400_000]) {
    const receiver = await agent(t);
    const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
    await receiver.faults.refuse();
    for (const number of NUMBERS) {
      sender.take(number);
      await sender.dispatcher.rest();
      sender.clock.forward(1000);
      await sender.dispatcher.rest();
      // The file system takes its times from the same clock.
      const written = sender.spool?.own().find(({ base }) => base.endsWith(`.${number}`));
      if (written) utimesSync(pathOf(written), sender.clock.wall() / 1000, sender.clock.wall() / 1000);
      sender.look();
      if (number === 2) sender.clock.set(jump);
      sender.clock.forward(MINUTE);
      await sender.dispatcher.rest();
      sender.look();
    }
    attempts.push(sender.counters.upload_attempts);
    await receiver.faults.accept();
    await sender.untilSent();
    arrivedOnce(t, receiver, sender);
  }
  t.is(new Set(attempts).size, 1, `attempts: ${attempts}`);
});

test('a process that goes on after its end was announced sends on', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
  receiver.faults.next({ kind: 'hang' });
  sender.take(0, 1);
  while (receiver.attempts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  sender.dispatcher.stop();
  sender.spool?.close();
  t.is(sender.spool?.own().length, 2);
  sender.take(2, 3, 4);
  await sender.untilSent();
  arrivedOnce(t, receiver, sender);
  t.deepEqual(sender.lines, [], 'what was broken off by us is no failure of the receiver');
});

test('without a spool what is being sent at the end is lost, and counted once', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)] });
  receiver.faults.next({ kind: 'hang' });
  sender.take(0, 1);
  while (receiver.attempts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  sender.dispatcher.stop();
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_lost: 2 });
  sender.take(2);
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 3, uploads_lost: 2, uploads_delivered: 1 });
});

test('an exporter that cannot make a request of a profile drops it and goes on', async (t) => {
  const receiver = await agent(t);
  const exporter = agentExporter(receiver);
  const sound = DatadogExporter.prototype.requests;
  exporter.requests = (upload) =>
    upload.sequence === 1 ? Promise.reject(new Error('a strange profile')) : sound.call(exporter, upload);
  const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t) });
  sender.take(0, 1, 2);
  await sender.untilSent();
  t.deepEqual(numbersOf(receiver), [0, 2]);
  t.deepEqual(fates(sender.counters), { uploads_taken: 3, uploads_delivered: 2, uploads_damaged: 1 });
  t.regex(sender.lines[0] ?? '', /cannot be brought into the form .*: a strange profile. It is dropped/);
});

test('an Agent that comes and goes is told of once in ten minutes', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)] });
  for (let number = 0; number < 20; number++) {
    receiver.faults.next({ kind: 'status', status: 503 });
    sender.take(number);
    await sender.untilSent();
    sender.clock.forward(MINUTE);
  }
  t.is(sender.counters.uploads_delivered, 20);
  t.is(sender.lines.length, 4, sender.lines.join('\n'));
});

test('where no exporter could be made what is taken is lost and counted, and nothing waits', async (t) => {
  const sender = givenProcess(t, { exporters: [], root: temporaryFolder(t) });
  sender.take(...NUMBERS);
  await sender.untilSent();
  sender.clock.forward(MINUTE);
  t.deepEqual(fates(sender.counters), { uploads_taken: NUMBERS.length, uploads_lost: NUMBERS.length });
  t.deepEqual(sender.spool?.own(), []);
});

test('what is passed over is tried when its pause is over, though the receiver fails, where nothing else waits', (t) => {
  const [one, other] = [{}, {}] as [Parcel, Parcel];
  const turn = new Turn();
  turn.passOver(one, 4, 100);
  t.is(turn.next([one, other], 100, true), other);
  t.is(turn.next([one, other], 100, false), one);
  // The other has expired, so nothing was taken since.
  t.is(turn.next([one], 99, true), undefined);
  t.is(turn.next([one], 100, true), one);
});

/** Sends to a receiver that fails on profiles of these numbers, and takes any other one. */
function givenPicky(t: ExecutionContext, options: Partial<Parameters<typeof givenProcess>[1]> = {}) {
  const bad = new Set<number>();
  const asked: number[] = [];
  const taken: number[] = [];
  let mood: 'well' | 'unwell' | 'away' = 'well';
  const exporter: Exporter = {
    name: 'datadog',
    destination: 'a picky receiver',
    requests: async ({ sequence }) => [
      { part: 'event', url: `http://nowhere/${sequence}`, headers: {}, body: Buffer.alloc(0) },
    ],
    judge: ({ status }) =>
      status >= 400 ? { kind: 'retry', reason: String(status) } : { kind: 'delivered' },
  };
  const send: Send = async ({ url }) => {
    const number = Number(/\d+$/.exec(url)?.[0]);
    asked.push(number);
    if (mood === 'away') throw new NoAnswer('nobody listens');
    if (mood === 'unwell') return { status: 503, headers: {}, body: Buffer.alloc(0) };
    if (bad.has(number)) throw new NoAnswer('no answer', true);
    taken.push(number);
    return { status: 200, headers: {}, body: Buffer.alloc(0) };
  };
  const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t), send, ...options });
  const feel = (now: typeof mood): void => {
    mood = now;
  };
  return { sender, bad, asked, taken, feel };
}

test('a profile that a receiver fails on again and again holds up no other, and is tried again later', async (t) => {
  const { sender, bad, asked, taken } = givenPicky(t);
  bad.add(1).add(3);
  sender.take(0, 1, 2, 3, 4);
  await sender.untilSent(5 * MINUTE);
  t.deepEqual(taken, [0, 2, 4]);
  t.is(waiting(sender.counters), 2);
  // Four times each in a row, and then in pauses that double.
  t.true(asked.length < 30, String(asked));
  t.is(sender.lines.length, 3, sender.lines.join('\n'));
  t.regex(sender.lines[1] ?? '', /are sent to a picky receiver again/);
  t.regex(
    sender.lines[2] ?? '',
    /a profile is passed over: a picky receiver has failed on it 4 times, and takes others/,
  );
  // What comes later is not held up either, and does not wait for anybody's pause.
  sender.take(5);
  await sender.dispatcher.rest();
  t.deepEqual(taken, [0, 2, 4, 5]);
  bad.clear();
  await sender.untilSent(20 * MINUTE);
  t.deepEqual(taken.slice(4).sort(), [1, 3]);
  t.deepEqual(fates(sender.counters), { uploads_taken: 6, uploads_delivered: 6 });
  t.deepEqual(sender.spool?.own(), []);
});

test('one that is passed over expires as any other', async (t) => {
  const { sender, bad, taken } = givenPicky(t, { limits: { ageMilliseconds: 60 * MINUTE } });
  bad.add(0);
  sender.take(0, 1);
  await sender.untilSent(5 * MINUTE);
  t.deepEqual(taken, [1]);
  sender.look();
  sender.clock.forward(61 * MINUTE);
  sender.look();
  await sender.untilSent(MINUTE);
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_delivered: 1, uploads_expired: 1 });
});

for (const mood of ['unwell', 'away'] as const) {
  test(`where a receiver is ${mood} and takes nothing, all go in their order when it does again`, async (t) => {
    const { sender, taken, feel } = givenPicky(t);
    feel(mood);
    sender.take(...NUMBERS);
    await sender.untilSent(30 * MINUTE);
    t.deepEqual(taken, []);
    feel('well');
    await sender.untilSent();
    t.deepEqual(taken, NUMBERS);
    t.is(sender.lines.length, 2, sender.lines.join('\n'));
  });
}

test('however many a receiver fails on, the rest arrives', async (t) => {
  const { sender, bad, taken } = givenPicky(t);
  const numbers = Array.from({ length: 210 }, (_, index) => index);
  for (const number of numbers) if (number % 3 === 0) bad.add(number);
  sender.take(...numbers);
  await sender.untilSent(20 * 60 * MINUTE);
  t.deepEqual(
    taken,
    numbers.filter((number) => !bad.has(number)),
  );
});
