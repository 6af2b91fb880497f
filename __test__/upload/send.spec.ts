import test from 'ava';
import { makeSend, NoAnswer } from '#src/upload/send.js';
import type { OutgoingRequest } from '#src/upload/upload.js';
import { startFaultyServer } from '../support/receivers/faulty-server.js';

// Node.js 20.0 to 20.2 have no such function.
delete (AbortSignal as { any?: unknown }).any;

test('a request is answered, is broken off, and ends when its time is over', async (t) => {
  const server = await startFaultyServer(() => ({ status: 204 }));
  t.teardown(server.close);
  const request: OutgoingRequest = { part: 'p', url: server.url, headers: {}, body: Buffer.from('body') };
  const send = makeSend('everflame/test', 60_000);
  const broken = new AbortController();
  t.is((await send(request, broken.signal)).status, 204);
  server.faults.always({ kind: 'hang' });
  const sent = send(request, broken.signal);
  const timer = setInterval(() => server.attempts.length === 2 && broken.abort(), 1);
  await t.throwsAsync(sent, { instanceOf: NoAnswer, message: 'canceled' });
  clearInterval(timer);
  // What is broken off already is not begun.
  await t.throwsAsync(send(request, broken.signal), { instanceOf: NoAnswer, message: 'canceled' });
  const { signal } = new AbortController();
  const late = { instanceOf: NoAnswer, message: 'no answer within 50 ms' };
  await t.throwsAsync(send({ ...request, timeoutMilliseconds: 50 }, signal), late);
  await t.throwsAsync(makeSend('everflame/test', 50)(request, signal), late);
  t.is(server.attempts.length, 4);
});
