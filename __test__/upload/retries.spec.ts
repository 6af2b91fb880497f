/** What a profile costs while it is tried again and again: it is converted once, and looked into once. */
import zlib from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { timeOf } from '#src/upload/pprof-time.js';
import { NoAnswer, type Send } from '#src/upload/send.js';
import type { Exporter, Upload } from '#src/upload/upload.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { WALL_TYPES, wallSamples } from '../support/truth.js';
import { fates, givenProcess } from './support/process.js';

/** An exporter that notes the numbers of the uploads that it converts, and sends each in two parts. */
function countingExporter(): { exporter: Exporter; converted: number[] } {
  const converted: number[] = [];
  const exporter: Exporter = {
    name: 'otlp',
    destination: 'http://nowhere',
    requests: async ({ sequence, attachments }: Upload) => {
      converted.push(sequence);
      const body = attachments[0]?.data ?? Buffer.alloc(0);
      return ['wall', 'cpu'].map((part) => ({ part, url: 'http://nowhere', headers: {}, body }));
    },
    judge: ({ status }) =>
      status === 200
        ? { kind: 'delivered' }
        : status === 413
          ? { kind: 'too-large', reason: 'too large' }
          : { kind: 'otherwise', reason: 'otherwise' },
  };
  return { exporter, converted };
}

/** Answers in turn; a zero is no answer. */
function answering(statuses: number[], rest: number): { send: Send; sent: string[] } {
  const sent: string[] = [];
  const send: Send = async ({ part }) => {
    const status = statuses.shift() ?? rest;
    sent.push(`${part} ${status}`);
    if (status === 0) throw new NoAnswer('cut off');
    return { status, headers: {}, body: Buffer.alloc(0) };
  };
  return { send, sent };
}

async function tried(
  t: ExecutionContext,
  statuses: number[],
): Promise<[converted: number[], sent: string[]]> {
  const { exporter, converted } = countingExporter();
  const { send, sent } = answering(statuses, 200);
  const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t), send });
  sender.take(0, 1);
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_delivered: 2 });
  return [converted, sent];
}

test.serial(
  'a profile that is tried again is converted once, and the parts that are taken are not sent again',
  async (t) => {
    const [converted, sent] = await tried(t, [0, 200, 0, 0]);
    t.deepEqual(converted, [0, 1]);
    t.deepEqual(sent, ['wall 0', 'wall 200', 'cpu 0', 'cpu 0', 'cpu 200', 'wall 200', 'cpu 200']);
  },
);

test.serial('one that is to be sent otherwise, or in pieces, is converted anew', async (t) => {
  t.deepEqual((await tried(t, [0, 404, 0]))[0], [0, 0, 1]);
  t.deepEqual((await tried(t, [0, 413, 0]))[0], [0, 0, 0, 1, 1]);
});

test.serial('of two that are tried in turn one is kept as it was converted', async (t) => {
  const { exporter, converted } = countingExporter();
  const { send } = answering([0, 0, 0, 0], 200);
  const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t), send });
  sender.take(1);
  await sender.dispatcher.rest();
  sender.clock.toNext();
  await sender.dispatcher.rest();
  t.deepEqual(converted, [1]);
  // An older one goes first.
  sender.take(0);
  await sender.untilSent();
  t.deepEqual(converted, [1, 0, 1]);
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_delivered: 2 });
});

test.serial('a profile in the spool is looked into once, however often it is read', async (t) => {
  const { gunzipSync } = zlib;
  let times = 0;
  const patched = zlib as { gunzipSync: typeof gunzipSync };
  patched.gunzipSync = (...given) => {
    times += 1;
    return gunzipSync(...given);
  };
  t.teardown(() => {
    patched.gunzipSync = gunzipSync;
  });
  const { exporter } = countingExporter();
  const { send, sent } = answering([0, 0, 0, 0, 0], 200);
  const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t), send });
  sender.take(0);
  await sender.untilSent();
  t.is(sent.length, 7);
  t.is(times, 1);
});

test('the time of a profile is what it says', (t) => {
  const start = 1_790_000_000_123_456_789n;
  const period = { start, durationNanoseconds: 60_000_000_007n, period: 10_101_010 };
  const data = encodeProfile(WALL_TYPES, wallSamples(11, 7, start), period);
  t.deepEqual(timeOf(data), { start, end: start + 60_000_000_007n });
});
