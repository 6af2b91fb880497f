/** How uploads come into the store: many at once, each once, and none answered before it is kept. */
import test from 'ava';
import { openCollector, until } from './support/collector.js';
import { AGENT, agentUpload, givenProfile } from './support/upload.js';

const tagsOf = (number: number): Record<string, unknown> => ({
  tags_profiler: `service:shop-${number},runtime:nodejs`,
});

test('what arrives during a commit is in the next one together, and each is answered once it is kept', async (t) => {
  const { ask, store, json } = await openCollector(t);
  const open = store.stall();
  const answered: number[] = [];
  const send = async (number: number): Promise<void> => {
    const upload = agentUpload({ 'wall.pprof': givenProfile(number) }, tagsOf(number));
    const { status } = await ask(AGENT, upload);
    t.is(status, 200);
    answered.push(number);
  };
  const size = Buffer.byteLength(agentUpload({ 'wall.pprof': givenProfile(0) }, tagsOf(0)).body ?? '');
  const held = async (): Promise<number> => Number((await json('/api/v1/status')).heldBytes);
  const first = send(0);
  await until(async () => (await held()) >= size - 8, 'the first upload');
  const others = Array.from({ length: 20 }, (_, index) => send(index + 1));
  await until(async () => (await held()) >= 21 * (size - 8), 'the others');
  t.deepEqual(answered, []);
  open();
  await Promise.all([first, ...others]);
  t.deepEqual(
    store.commits.map(({ length }) => length),
    [1, 20],
  );
  const services = store.uploads.map(({ service }) => service).sort();
  t.deepEqual(services, Array.from({ length: 21 }, (_, number) => `shop-${number}`).sort());
  t.is(await held(), 0);
});

test('many at once: each answered upload is kept exactly once', async (t) => {
  const { ask, store } = await openCollector(t);
  const numbers = Array.from({ length: 300 }, (_, number) => number);
  const statuses: number[] = [];
  const work = async (): Promise<void> => {
    for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
      const upload = agentUpload({ 'wall.pprof': givenProfile(number) }, tagsOf(number));
      statuses.push((await ask(AGENT, upload)).status);
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
  t.deepEqual(new Set(statuses), new Set([200]));
  t.is(statuses.length, 300);
  t.is(store.uploads.length, 300);
  t.is(new Set(store.uploads.map(({ service }) => service)).size, 300);
});

test('an upload that comes twice is no error', async (t) => {
  const { ask } = await openCollector(t);
  t.is((await ask(AGENT, agentUpload())).status, 200);
  t.is((await ask(AGENT, agentUpload())).status, 200);
});

test('where the store fails, clients are told to come again, and the log says it once', async (t) => {
  const { ask, error, store, lines, json } = await openCollector(t);
  store.failure = 'the disk is full';
  const { status, headers } = await ask(AGENT, agentUpload());
  t.is(status, 503);
  t.is(headers['retry-after'], '5');
  t.is(
    await error(AGENT, agentUpload()),
    '503 the profiles cannot be kept now: the disk is full. Send them again later.',
  );
  t.deepEqual(lines, ['everflame: profiles cannot be kept: the disk is full.']);
  store.failure = undefined;
  t.is((await ask(AGENT, agentUpload())).status, 200);
  store.failure = 'the disk is full';
  await ask(AGENT, agentUpload());
  t.is(lines.length, 2);
  t.deepEqual((await json('/api/v1/status')).refused, { store: 3 });
});

test('a store that tells of another number of uploads has failed', async (t) => {
  const { error, store } = await openCollector(t);
  store.ingest = async () => [];
  t.is(
    await error(AGENT, agentUpload()),
    '503 the profiles cannot be kept now: the store told of 0 uploads and was given 1. Send them again later.',
  );
});

test('what waits is bounded', async (t) => {
  const size = Buffer.byteLength(agentUpload().body ?? '');
  const { ask, error, store, json } = await openCollector(t, { limits: { heldBytes: size + 10 } });
  const open = store.stall();
  const first = ask(AGENT, agentUpload());
  await until(async () => (await json('/api/v1/status')).heldBytes === size, 'the upload');
  t.is(
    await error(AGENT, agentUpload()),
    '503 more profiles arrive than can be kept at once. Send this one again later.',
  );
  open();
  t.is((await first).status, 200);
  t.is((await ask(AGENT, agentUpload())).status, 200);
  t.is(store.uploads.length, 2);
});

test('at its end the collector keeps what it has taken', async (t) => {
  const { ask, store, collector } = await openCollector(t);
  const open = store.stall();
  const first = ask(AGENT, agentUpload());
  await until(() => store.isBusy, 'the commit');
  const closed = collector.close();
  open();
  t.is((await first).status, 200);
  await closed;
  t.is(store.uploads.length, 1);
});
