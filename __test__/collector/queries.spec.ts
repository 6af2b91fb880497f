/** What is asked below /api/v1, and how that is answered. */
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import type { Selection } from '#src/collector/store.js';
import { openCollector } from './support/collector.js';

const RANGE = 'service=shop&from=1000&to=5000.5';
const SELECTION: Selection = { service: 'shop', from: 1000, to: 5000.5, where: [] };

const ASKED: [path: string, query: string, options: unknown, changes?: Partial<Selection>][] = [
  ['/labels?{}', 'labels', undefined],
  ['/labels?{}&type=wall', 'labels', undefined, { type: 'wall' }],
  ['/series?{}&step=10', 'series', { step: 10, limit: 10 }],
  ['/series?{}&step=10&by=thread+name&limit=3', 'series', { step: 10, by: 'thread name', limit: 3 }],
  ['/series?{}&step=10&by=kind', 'series', { step: 10, by: 'kind', limit: 10 }],
  ['/metrics?{}&step=1000', 'metrics', { step: 1000, limit: 10 }],
  ['/metrics?{}&step=10&by=thread&limit=3', 'metrics', { step: 10, by: 'thread', limit: 3 }],
  ['/tree?{}', 'tree', { frames: 'function', nodes: 65536 }],
  ['/tree?{}&frames=line&by=env&nodes=7', 'tree', { frames: 'line', by: 'env', nodes: 7 }],
  ['/sandwich?{}&name=work', 'sandwich', { name: 'work', file: '', nodes: 65536 }],
  ['/sandwich?{}&name=work&file=/a.js&nodes=9', 'sandwich', { name: 'work', file: '/a.js', nodes: 9 }],
  ['/table?{}&by=package', 'table', { by: 'package', limit: 1000 }],
  ['/lines?{}&file=/srv/a%20b.js', 'lines', { file: '/srv/a b.js' }],
  ['/timeline?{}', 'timeline', { limit: 200_000 }],
  ['/timeline?{}&limit=5', 'timeline', { limit: 5 }],
  ['/profiles?{}', 'profiles', { limit: 1000 }],
  ['/pprof?{}', 'pprof', undefined],
];

test('each query reaches the store as it was asked', async (t) => {
  const { ask, store } = await openCollector(t);
  for (const [path, query, options, changes] of ASKED) {
    const { status, text } = await ask(`/api/v1${path.replace('{}', RANGE)}`);
    t.is(status, 200, text);
    t.deepEqual(store.asked.pop(), { query, selections: [{ ...SELECTION, ...changes }], options }, path);
  }
});

test('conditions of one key are joined, and those that exclude are apart', async (t) => {
  const { json, store } = await openCollector(t);
  const where = [
    'env:prod',
    'env:test',
    '!env:old',
    'url:http://a:1/b',
    'thread name:',
    '!host:a',
    '!host:b',
  ];
  await json(`/api/v1/labels?${RANGE}${where.map((text) => `&where=${encodeURIComponent(text)}`).join('')}`);
  t.deepEqual(store.asked[0]?.selections[0]?.where, [
    { key: 'env', values: ['prod', 'test'], negated: false },
    { key: 'env', values: ['old'], negated: true },
    { key: 'url', values: ['http://a:1/b'], negated: false },
    { key: 'thread name', values: [''], negated: false },
    { key: 'host', values: ['a', 'b'], negated: true },
  ]);
});

test('without a range it is the hour before now, or before its end', async (t) => {
  const { json, store } = await openCollector(t);
  const before = Date.now();
  await json('/api/v1/labels?service=shop');
  await json('/api/v1/labels?service=shop&to=7200000');
  const [open, ending] = store.asked.map(({ selections }) => selections[0] as Selection);
  t.true(open && open.to >= before && open.to <= Date.now());
  t.is(open && open.to - open.from, 3_600_000);
  t.is(ending?.from, 3_600_000);
});

test('a comparison has two selections of its own', async (t) => {
  const { json, store } = await openCollector(t);
  const [a, b] = ['service=shop&from=1&to=2&where=env:a', 'service=shop&from=3&to=4&where=env:b'];
  await json(`/api/v1/diff?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}&frames=file`);
  const [asked] = store.asked;
  t.deepEqual(
    asked?.selections.map(({ from, where }) => [from, where[0]?.values]),
    [
      [1, ['a']],
      [3, ['b']],
    ],
  );
  t.deepEqual(asked?.options, { frames: 'file', nodes: 65536 });
});

const WRONG: [path: string, error: string][] = [
  ['/labels', '400 service is missing. Give the name of a service, as /api/v1/services lists them.'],
  ['/labels?service=a&service=b', '400 service is there 2 times. Give it once.'],
  ['/labels?service=a&from=9&to=9', '400 from is 9, which is not before to, 9. Give an earlier one.'],
  ['/labels?service=a&where=env', '400 where is "env". Give key:value, or !key:value for all but that.'],
  ['/labels?service=a&where=:b', '400 where is ":b". Give key:value, or !key:value for all but that.'],
  [
    `/labels?service=a&where=b:${'c'.repeat(16_383)}`,
    '400 where has more than 16384 characters. Give a shorter one.',
  ],
  ['/services?service=a', '400 service is no parameter here. Give none.'],
  [
    '/lines?service=a&file=b&limit=1',
    '400 limit is no parameter here. Give file, service, to, from, type, where.',
  ],
  ['/tree?service=a&frames=word', '400 frames is "word". Give function, line, file, package.'],
  ['/tree?service=a&nodes=0', '400 nodes is "0". Give a whole number from 1 to 1000000.'],
  ['/tree?service=a&nodes=1e3', '400 nodes is "1e3". Give a whole number from 1 to 1000000.'],
  ['/series?service=a', '400 step is missing. Give milliseconds.'],
  ['/series?service=a&from=0&to=1000000&step=1', '400 step is 1, too short for this range. Give 50 or more.'],
  ['/metrics?service=a', '400 step is missing. Give milliseconds.'],
  [
    '/metrics?service=a&from=0&to=1000000&step=1',
    '400 step is 1, too short for this range. Give 50 or more.',
  ],
  [
    '/metrics?service=a&step=1000&type=cpu&from=1&to=2',
    '400 type is no parameter here: metrics are of processes. Leave it out.',
  ],
  ['/table?service=a', '400 by is missing. Give function, line, file, package or the key of a label.'],
  ['/sandwich?service=a', '400 name is missing. Give the name of a function.'],
  ['/lines?service=a', '400 file is missing. Give a file as it stands in a profile.'],
  ['/diff?a=service%3Dx', '400 b is missing. Give a selection as a query string, such as service=shop.'],
  [
    '/diff?a=from%3D1&b=service%3Dx',
    '400 a: service is missing. Give the name of a service, as /api/v1/services lists them.',
  ],
  [
    '/diff?a=service%3Dx%26y%3D1&b=service%3Dx',
    '400 a: y is no parameter here. Give service, to, from, type, where.',
  ],
  ['/labels?service=nobody', '404 there is no service "nobody".'],
  ['/report', '400 service is missing. Give the name of a service, as /api/v1/services lists them.'],
  ['/report?service=a&strip=yes', '400 strip is "yes". Give 0, 1.'],
  [
    '/report?service=a&frames=line',
    '400 frames is no parameter here. Give strip, service, to, from, type, where.',
  ],
];

test('what cannot be answered is told in one sentence', async (t) => {
  const { error, json, lines } = await openCollector(t);
  for (const [path, expected] of WRONG) t.is(await error(`/api/v1${path}`), expected);
  t.regex(
    await error('/api/v1/labels?service=a&from=soon'),
    /^400 from is "soon"\. Give milliseconds since 1970, such as \d+\.$/,
  );
  t.regex(
    await error('/api/v1/none'),
    /^404 there is no query \/api\/v1\/none\. Below \/api\/v1 there are \/status, /,
  );
  t.deepEqual(lines, []);
  t.is(
    await error('/api/v1/labels?service=broken'),
    '500 this could not be answered: index out of bounds. If it goes on, please report it.',
  );
  t.deepEqual(lines, [
    'everflame: a request could not be answered: index out of bounds. If it goes on, please report it.',
  ]);
  t.deepEqual((await json('/api/v1/status')).refused, {});
});

test('queries only read', async (t) => {
  const { ask, error } = await openCollector(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    t.is(
      await error('/api/v1/services', { method }),
      `405 ${method} is not for this path. Ask it with GET or HEAD.`,
    );
  }
  const { status, headers, body } = await ask('/api/v1/services', { method: 'HEAD' });
  t.is(status, 200);
  t.true(Number(headers['content-length']) > 0);
  t.is(body.length, 0);
});

test('over a network a large answer is compressed for whoever takes that, and a small one for nobody', async (t) => {
  const { ask } = await openCollector(t);
  const large = '/api/v1/labels?service=large';
  // What comes through a proxy goes over a network.
  const far = { Via: '1.1 proxy' };
  const plain = await ask(large, { headers: far });
  t.is(plain.headers['content-encoding'], undefined);
  t.is(plain.headers.vary, 'Accept-Encoding');
  for (const [accepted, isPacked] of [
    ['gzip', true],
    ['br, gzip;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['br', false],
  ] as const) {
    const got = await ask(large, { headers: { ...far, 'Accept-Encoding': accepted } });
    t.is(got.headers['content-encoding'], isPacked ? 'gzip' : undefined, accepted);
    if (isPacked) t.true(got.body.length < plain.body.length / 10);
    const { rows } = JSON.parse((isPacked ? gunzipSync(got.body) : got.body).toString()) as { rows: string };
    t.is(rows.length, 80_000);
  }
  const small = await ask('/api/v1/services', { headers: { ...far, 'Accept-Encoding': 'gzip' } });
  t.is(small.headers['content-encoding'], undefined);
  const near = await ask(large, { headers: { 'Accept-Encoding': 'gzip' } });
  t.deepEqual([near.headers['content-encoding'], near.body.length], [undefined, plain.body.length]);
});

test('answers are for this page alone, and no copy of them stays', async (t) => {
  const { ask } = await openCollector(t);
  for (const path of ['/api/v1/services', '/api/v1/none', '/info', '/none']) {
    const { headers } = await ask(path);
    t.is(headers['cache-control'], 'no-store');
    t.is(headers['cross-origin-resource-policy'], 'same-origin');
    t.is(headers['x-content-type-options'], 'nosniff');
    t.is(headers['referrer-policy'], 'no-referrer');
    t.is(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
    t.is(headers['access-control-allow-origin'], undefined);
  }
});

test('a file to keep has a name that each system takes', async (t) => {
  const { ask } = await openCollector(t);
  const { headers } = await ask(
    `/api/v1/pprof?service=${encodeURIComponent('a/b "c"\r\nX: y')}&from=0&to=1000`,
  );
  t.is(headers['content-disposition'], 'attachment; filename="a_b_c_X_y-1970-01-01T00-00-01.pb.gz"');
});
