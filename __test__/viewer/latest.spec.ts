import test from 'ava';
import { Latest } from '../../viewer/src/state/latest.js';

/** Requests that end when the test says so. */
function desk() {
  const told: string[] = [];
  const requests: { name: string; signal: AbortSignal; end(): void; fail(): void }[] = [];
  const latest = new Latest<string>({
    answer: (answer) => told.push(answer),
    failed: (error) => told.push(`failed: ${(error as Error).message}`),
    busy: (isBusy) => told.push(isBusy ? 'busy' : 'idle'),
  });
  const ask = (subject: string, name: string) =>
    latest.ask(
      subject,
      (signal) =>
        new Promise((settle, reject) =>
          requests.push({ name, signal, end: () => settle(name), fail: () => reject(new Error(name)) }),
        ),
    );
  return { latest, told, requests, ask };
}

/** Lets everything run that has no request to wait for. */
const settled = () => new Promise((done) => setImmediate(done));

test('The same subject waits for the request under way, and only the newest is asked then', async (t) => {
  const { requests, told, ask } = desk();
  ask('live', 'first');
  ask('live', 'second');
  ask('live', 'third');
  t.is(requests.length, 1);
  requests[0]?.end();
  await settled();
  t.deepEqual(
    requests.map(({ name }) => name),
    ['first', 'third'],
  );
  requests[1]?.end();
  await settled();
  t.deepEqual(told, ['busy', 'first', 'busy', 'third', 'idle']);
});

test('Another subject aborts the request under way, whose answer is told nobody', async (t) => {
  const { requests, told, ask } = desk();
  ask('cpu', 'old');
  ask('wall', 'new');
  t.true(requests[0]?.signal.aborted);
  requests[1]?.end();
  await settled();
  requests[0]?.end();
  await settled();
  t.deepEqual(told, ['busy', 'busy', 'new', 'idle']);
});

test('What waited for another subject is forgotten', async (t) => {
  const { requests, ask } = desk();
  ask('cpu', 'a');
  ask('cpu', 'b');
  ask('wall', 'c');
  for (const { end } of requests) end();
  await settled();
  t.deepEqual(
    requests.map(({ name }) => name),
    ['a', 'c'],
  );
});

test('A failure is told, and the next question asked', async (t) => {
  const { requests, told, ask } = desk();
  ask('live', 'first');
  ask('live', 'second');
  requests[0]?.fail();
  await settled();
  requests[1]?.end();
  await settled();
  t.deepEqual(told, ['busy', 'failed: first', 'busy', 'second', 'idle']);
});

test('Once stopped, nothing is told', async (t) => {
  const { requests, told, latest, ask } = desk();
  ask('live', 'first');
  ask('live', 'second');
  latest.stop();
  requests[0]?.end();
  await settled();
  t.deepEqual(told, ['busy']);
  t.is(requests.length, 1);
});
