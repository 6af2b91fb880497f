/** What is compared for each request: counts that clients send, through the collector and its store, to what it answers. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { encodeProfile } from '../support/build-profile.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readReport } from '../support/report-file.js';
import { everflame, ROOT, start } from '../support/spawn.js';
import { type Opened, openCollector, until } from './support/collector.js';
import { gather, profilesOf, type Recorded } from './support/recorded.js';
import { AGENT, agentUpload } from './support/upload.js';

const MINUTE = 60_000;
/** Of whole minutes, an hour ago: what is older than a month would be refused. */
const START = Math.floor(Date.now() / MINUTE) * MINUTE - 60 * MINUTE;

interface Changes {
  a: { total: number; seconds: number; requests?: number };
  b: { total: number; seconds: number; requests?: number };
  scale: number;
  rows: { name: string; change: { self: number; total: number } }[];
}

async function openStore(t: ExecutionContext): Promise<Opened & { folder: string }> {
  const folder = temporaryFolder(t);
  const store = FolderStore.open(join(folder, '.everflame', 'store'), new Logger('error'));
  t.teardown(() => store.close());
  const page = join(ROOT, 'dist', 'viewer');
  return { ...(await openCollector(t, { store, page })), folder };
}

const main = { name: 'main', file: '/srv/app.js', line: 3, startLine: 1 };
const cart = { name: 'cart', file: '/srv/cart.js', line: 9, startLine: 2 };

/** Sends a minute of profiles: so many nanoseconds in two functions, for one endpoint each, and these counts. */
async function send(
  t: ExecutionContext,
  { ask }: Opened,
  minute: number,
  cpu: [main: number, cart: number],
  counts: Record<string, number> | null,
  process = 'one',
): Promise<void> {
  const [own, below] = cpu;
  const data = encodeProfile(
    [['cpu', 'nanoseconds']],
    [
      { values: [own], stack: [main], thread: 'main', labels: { 'trace endpoint': 'GET /' } },
      { values: [below], stack: [main, cart], thread: 'main', labels: { 'trace endpoint': 'GET /cart' } },
    ],
  );
  const time = (number: number): string => new Date(START + number * MINUTE).toISOString();
  const changes = {
    start: time(minute),
    end: time(minute + 1),
    tags_profiler: `service:shop,runtime:nodejs,runtime-id:${process}`,
    endpoint_counts: counts,
  };
  const { status, text } = await ask(AGENT, agentUpload({ 'wall.pprof': data }, changes));
  t.is(`${status} ${text}`, '200 {}');
}

/** A selection of minutes as a query string of its own. */
function minutes(from: number, to: number, where = ''): string {
  return `service=shop&from=${START + from * MINUTE}&to=${START + to * MINUTE}${where && `&where=${where}`}`;
}

function question(a: string, b: string, scale: string): string {
  return `/api/v1/changes?${new URLSearchParams({ a, b, scale })}`;
}

test('twice the requests and twice the work are twice the sums, and no difference for a request', async (t) => {
  const opened = await openStore(t);
  const { json, ask, folder } = opened;
  for (const minute of [0, 1, 2])
    await send(t, opened, minute, [70_003, 30_011], { 'GET /': 7, 'GET /cart': 4 });
  for (const minute of [3, 4, 5])
    await send(t, opened, minute, [140_006, 60_022], { 'GET /': 14, 'GET /cart': 8 });
  const [a, b] = [minutes(0, 3), minutes(3, 6)];
  const changes = async (scale: string, where = '') =>
    (await json(
      question(`${a}${where && `&where=${where}`}`, `${b}${where && `&where=${where}`}`, scale),
    )) as unknown as Changes;

  const each = await changes('requests');
  t.deepEqual(
    [each.a, each.b],
    [
      { total: 3 * 100_014, seconds: 180, requests: 33 },
      { total: 6 * 100_014, seconds: 180, requests: 66 },
    ],
  );
  t.is(each.scale, 2);
  t.deepEqual(
    each.rows.map(({ change }) => [change.self, change.total]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  for (const scale of ['time', 'none']) {
    const sums = await changes(scale);
    t.is(sums.scale, 1);
    t.deepEqual(
      sums.rows.map(({ name, change }) => [name, change.self]),
      [
        ['main', 3 * 70_003],
        ['cart', 3 * 30_011],
      ],
    );
  }
  // Of one endpoint its own requests count, and a thread has all of them.
  const ofCart = await changes('requests', encodeURIComponent('trace endpoint:GET /cart'));
  t.deepEqual([ofCart.a.requests, ofCart.a.total, ofCart.b.requests], [12, 3 * 30_011, 24]);
  const ofMain = await changes('requests', encodeURIComponent('thread name:main'));
  t.is(ofMain.a.requests, 33);

  const { body } = await ask(`/api/v1/diff?${new URLSearchParams({ a, b })}`);
  const heading = JSON.parse(body.toString('utf8', 8, 8 + body.readUInt32LE(4))) as Record<string, unknown>;
  t.deepEqual([heading.requests, heading.requestsB], [{ count: 33 }, { count: 66 }]);

  // Sums in are sums out, by endpoint and over time.
  const all = `${minutes(0, 6)}&type=requests`;
  const { rows } = (await json(`/api/v1/table?${all}&by=trace+endpoint`)) as {
    rows: { name: string; self: number }[];
  };
  t.deepEqual(
    rows.map(({ name, self }) => [name, self]),
    [
      ['GET /', 63],
      ['GET /cart', 36],
    ],
  );
  const { series } = (await json(`/api/v1/series?${all}&step=${MINUTE}`)) as {
    series: { values: number[] }[];
  };
  t.deepEqual(series[0]?.values, [11, 11, 11, 22, 22, 22]);

  const range = (from: number, to: number): string =>
    `${new Date(START + from * MINUTE).toISOString()}..${new Date(START + to * MINUTE).toISOString()}`;
  const diff = async (...args: string[]) => {
    const { code, stdout, stderr } = await everflame(['diff', range(0, 3), range(3, 6), ...args], {
      cwd: folder,
    });
    return code === 0 ? stdout : `${code} ${stderr}`;
  };
  const text = await diff('--per', 'request');
  t.regex(text, /^cpu: no change for each request, by function\n/);
  t.regex(text, /profiles cover +cpu +requests +each request/);
  t.regex(text, /A's figures below are scaled to the 66 requests of B\./);
  t.regex(text, /\nA +180 s +300 µs +33 +9\.09 µs/);
  t.regex(text, /\n2 did not change\.\n$/);
  t.regex(await diff('--per', 'second'), /^cpu: \+100\.0 % in the same time, by function\n/);
  t.regex(
    await diff('--per', 'request', '--where', 'trace endpoint:GET /cart'),
    /scaled to the 24 requests of B/,
  );
  t.is((JSON.parse(await diff('--per', 'request', '--json')) as Changes).scale, 2);
  t.is(
    await diff('--per', 'request', '--no-normalize'),
    '1 everflame: error: --per request scales A, and --no-normalize does not: give one\n',
  );
});

test('where counts are missing nothing is divided by requests, and one sentence says why', async (t) => {
  const opened = await openStore(t);
  const { error, json, folder } = opened;
  await send(t, opened, 0, [5, 3], { 'GET /': 2 });
  await send(t, opened, 1, [7, 3], null);
  await send(t, opened, 2, [11, 3], {});
  const sentence = (side: string, why: string) =>
    `400 ${side} cannot be divided by its requests: ${why}. Compare by time`;
  const told = minutes(0, 1);
  for (const [other, why] of [
    [minutes(0, 2), '1 of its 2 profiles came without counts of requests'],
    [minutes(1, 2), 'its profiles came without counts of requests'],
    [minutes(2, 3), 'no request was counted'],
    [minutes(0, 1, encodeURIComponent('trace endpoint:GET /cart')), 'no request was counted'],
    [minutes(5, 6), 'there are no profiles'],
  ] as const) {
    t.is(await error(question(told, other, 'requests')), sentence('B', why));
    t.is(await error(question(other, told, 'requests')), sentence('A', why));
    const { a, b } = (await json(question(told, other, 'time'))) as unknown as Changes;
    t.deepEqual([a.requests, b.requests], [2, undefined]);
  }
  t.is((await json(question(told, minutes(0, 3), 'none'))).scale, 1);
  // No request in a minute is none, and not a minute that does not tell.
  const both = (await json(question(told, minutes(0, 1), 'requests'))) as unknown as Changes;
  t.is(both.b.requests, 2);
  t.is(
    (await everflame(['diff', 'runtime:nodejs', 'runtime:nodejs', '--per', 'request'], { cwd: folder }))
      .stderr,
    'everflame: error: A cannot be divided by its requests: 1 of its 3 profiles came without counts of requests. Compare by time\n',
  );
});

test('no file has counts, and they are no profiles among others', async (t) => {
  const opened = await openStore(t);
  const { ask, error, json, folder } = opened;
  await send(t, opened, 0, [5, 3], { 'GET /': 2 }, 'one');
  await send(t, opened, 0, [7, 4], { 'GET /': 3 }, 'two');
  const all = minutes(0, 1);
  const { heading, sums } = readReport((await ask(`/api/v1/report?${all}`)).text);
  t.deepEqual(sums, [19]);
  // Processes are still told apart by their tags.
  t.is(heading.groups.length, 2);
  const why = 'counts of requests have no stacks and go into no file; "shop" has "cpu"';
  t.is(await error(`/api/v1/report?${all}&type=requests`), `400 ${why}`);
  const exported = await everflame(['export', '--collapsed', '--type', 'requests'], {
    cwd: folder,
  });
  t.is(exported.stderr, `everflame: error: ${why}\n`);
  const { profiles } = (await json(`/api/v1/profiles?${all}`)) as { profiles: { kind: string }[] };
  t.deepEqual(
    profiles.map(({ kind }) => kind),
    ['wall', 'wall'],
  );
  const { services } = (await json('/api/v1/services')) as { services: { profiles: number }[] };
  t.is(services[0]?.profiles, 2);
  t.is(((await json('/api/v1/status')).store as { profiles: number }).profiles, 2);
  // A file and a part of the store: what the store counted is known, and the file does not tell.
  writeFileSync(
    join(folder, 'a.pprof'),
    encodeProfile([['cpu', 'nanoseconds']], [{ values: [9], stack: [main] }]),
  );
  const sides = ['a.pprof', 'runtime:nodejs'];
  for (const [index, side] of ['A', 'B'].entries()) {
    const [a, b] = index === 0 ? sides : sides.toReversed();
    t.is(
      (await everflame(['diff', a as string, b as string, '--per', 'request'], { cwd: folder })).stderr,
      `everflame: error: ${side} cannot be divided by its requests: its profiles came without counts of requests. Compare by time\n`,
    );
  }
});

const peers = createRequire(join(ROOT, 'bench', 'package.json'));
/** dd-trace 6 wants Node.js 22. */
const LEAST_MAJOR = 22;
const NODE = testNodes().find(({ major }) => Number(major) >= LEAST_MAJOR)?.path;
/** As dd-trace calls what a server without a router answers. */
const ENDPOINT = 'GET';

/** A server that is asked all the time, and says at its end how often it was. */
const SERVER = `${BURN}
const http = require('node:http');
let served = 0;
const server = http.createServer((request, response) => { served += 1; burn(20); response.end('done'); });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const ask = () => http.get({ port, path: '/orders?id=1', agent: false }, (response) => response.resume().on('end', () => setTimeout(ask, 5)));
  ask();
  process.on('SIGUSR2', () => { console.log('served ' + served); process.exit(0); });
});
`;

/** Runs the server with dd-trace until several uploads have come; how often it was asked. */
async function runServer(
  t: ExecutionContext,
  node: string,
  isCounting: boolean,
  url: string,
  came: readonly Recorded[],
): Promise<number> {
  const cwd = temporaryFolder(t, { 'app.js': SERVER });
  const env = {
    DD_PROFILING_ENABLED: 'true',
    DD_PROFILING_ENDPOINT_COLLECTION_ENABLED: String(isCounting),
    DD_PROFILING_UPLOAD_PERIOD: '1',
    // Which the oldest Node.js can read, too.
    DD_PROFILING_DEBUG_UPLOAD_COMPRESSION: 'gzip',
    DD_SERVICE: 'shop',
    DD_TRACE_AGENT_URL: url,
  };
  const preload = peers.resolve('dd-trace/init');
  const { child, ended } = start(node, ['-r', preload, 'app.js'], { cwd, env, timeout: 110_000 });
  t.teardown(() => child.kill('SIGKILL'));
  await until(() => came.length >= 3, 'three uploads');
  child.kill('SIGUSR2');
  return Number(/served (\d+)/.exec((await ended).stdout)?.[1]);
}

test('dd-trace counts requests, and all that it sends of them is there', async (t) => {
  if (NODE === undefined) {
    t.true(testNodes().every(({ major }) => Number(major) < LEAST_MAJOR));
    return;
  }
  let served = 0;
  const { recorded, opened } = await gather(t, async (url, came) => {
    served = await runServer(t, NODE, true, url, came);
  });
  const counts = recorded.flatMap(({ upload }) => upload.requests ?? []);
  t.deepEqual([...new Set(counts.map(({ endpoint }) => endpoint))], [ENDPOINT]);
  const sent = counts.reduce((sum, { count }) => sum + count, 0);
  t.true(sent > 0 && sent <= served, `${sent} of ${served}`);
  // Samples say by the same name for which endpoint they were.
  const endpoints = profilesOf(recorded, 'shop').flatMap(({ samples }) =>
    samples.flatMap(({ labels }) => labels.get('trace endpoint') ?? []),
  );
  t.deepEqual([...new Set(endpoints)], [ENDPOINT]);
  const now = Date.now();
  const all = `service=shop&from=${now - 60 * MINUTE}&to=${now + 60 * MINUTE}`;
  const one = `${all}&where=${encodeURIComponent(`trace endpoint:${ENDPOINT}`)}`;
  const { a, b, scale } = (await opened.json(question(all, one, 'requests'))) as unknown as Changes;
  t.deepEqual([a.requests, b.requests, scale], [sent, sent, 1]);
});

test('dd-trace that is told not to count has no counts, and not none', async (t) => {
  if (NODE === undefined) {
    t.true(testNodes().every(({ major }) => Number(major) < LEAST_MAJOR));
    return;
  }
  const { recorded } = await gather(t, async (url, came) => {
    t.true((await runServer(t, NODE, false, url, came)) > 0);
  });
  t.true(recorded.every(({ upload }) => upload.requests === undefined));
});
