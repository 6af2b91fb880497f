/** Who listens hears what is kept. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Events } from '#src/collector/events.js';
import { LIMITS } from '#src/collector/limits.js';
import type { Upload } from '#src/collector/store.js';
import { openCollector, until } from './support/collector.js';
import { AGENT, agentUpload, givenProfile } from './support/upload.js';

const EVENTS = '/api/v1/events';
const UPLOAD: Upload = { service: 'shop', tags: [], start: 1n, end: 2n, client: 'test', profiles: [] };

interface Listener {
  response: IncomingMessage;
  heard: () => string;
}

/** Settles when the collector has said that it tells. */
async function listen(t: ExecutionContext, url: string): Promise<Listener> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(`${url}${EVENTS}`, { agent: false }, resolve).on('error', reject).end();
  });
  t.teardown(() => response.destroy());
  let text = '';
  response.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  response.on('error', () => undefined);
  await until(() => text !== '', 'the first word');
  return { response, heard: () => text };
}

function newsIn(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^event: ingested\ndata: (.*)$/gm)].map(
    ([, data = '']) => JSON.parse(data) as Record<string, unknown>,
  );
}

test('what was kept of a service is told together, and what was not is not', async (t) => {
  const opened = await openCollector(t, { limits: { eventTime: 300 } });
  const { response, heard } = await listen(t, opened.url);
  t.is(response.headers['content-type'], 'text/event-stream');
  t.is(response.headers['cache-control'], 'no-store');
  const { ask, store } = opened;
  store.refuses = ({ service }) => (service === 'bad' ? 'it is no profile' : undefined);
  const send = async (number: number, changes = {}): Promise<unknown> =>
    ask(AGENT, agentUpload({ 'a.pprof': givenProfile(number), 'b.pprof': givenProfile(-number) }, changes));
  await send(1, { start: '2026-11-22T09:59:00Z' });
  await send(2, { end: '2026-11-22T10:02:00Z' });
  // A duplicate.
  await send(2);
  await send(3, { tags_profiler: 'service:bad' });
  await send(4, { tags_profiler: 'service:other' });
  await until(() => newsIn(heard()).some(({ service }) => service === 'other'), 'the event');
  const shop = newsIn(heard()).filter(({ service }) => service === 'shop');
  // In one event or in two, by how fast this machine is.
  t.is(
    shop.reduce((sum, { profiles }) => sum + Number(profiles), 0),
    4,
  );
  t.is(Math.min(...shop.map(({ from }) => Number(from))), Date.parse('2026-11-22T09:59:00Z'));
  t.is(Math.max(...shop.map(({ to }) => Number(to))), Date.parse('2026-11-22T10:02:00Z'));
  t.deepEqual(
    newsIn(heard()).filter(({ service }) => service === 'bad'),
    [],
  );
});

test('the first that comes is told at once, with all that came with it', async (t) => {
  // Nobody would wait for the next.
  const opened = await openCollector(t, { limits: { eventTime: 3_600_000 } });
  const { heard } = await listen(t, opened.url);
  await opened.ask(AGENT, agentUpload({ 'a.pprof': givenProfile(1), 'b.pprof': givenProfile(2) }));
  await until(() => newsIn(heard()).length > 0, 'the event');
  t.deepEqual(
    newsIn(heard()).map(({ profiles }) => profiles),
    [2],
  );
});

test('a reader that does not read is cut off, and one that reads hears everything', async (t) => {
  const events = new Events({ ...LIMITS, eventTime: 1 });
  const server = createServer((_request, response) => events.listen(response)).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  t.teardown(() => events.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const slow = await listen(t, url);
  slow.response.socket.pause();
  const { heard } = await listen(t, url);
  const connections = (): Promise<number> => promisify(server.getConnections.bind(server))();
  t.is(await connections(), 2);
  let told = 0;
  // The system keeps some megabytes for a reader, how many is not known.
  while ((await connections()) === 2) {
    t.true(told < 1_000_000);
    for (let more = 0; more < 1000; more++, told++) {
      const upload = { ...UPLOAD, service: `${told}`.padStart(500, 's') };
      events.kept(upload, { profiles: [{ state: 'kept', samples: 1 }] });
    }
    const last = told;
    await until(() => heard().includes(`${last - 1}"`), 'the last event');
  }
  t.is(newsIn(heard()).length, told);
});

test('so many listen and no more, and one that goes makes room', async (t) => {
  const opened = await openCollector(t, { limits: { listeners: 2 } });
  const { response } = await listen(t, opened.url);
  await listen(t, opened.url);
  const full = '503 too many pages listen to this collector. Close one.';
  t.is(await opened.error(EVENTS), full);
  response.destroy();
  await until(
    () =>
      listen(t, opened.url).then(
        () => true,
        () => false,
      ),
    'the room',
  );
});

test('they end with the collector', async (t) => {
  const opened = await openCollector(t);
  const { response } = await listen(t, opened.url);
  const ended = new Promise((resolve) => response.once('end', resolve));
  await opened.collector.close();
  await ended;
  t.pass();
});
