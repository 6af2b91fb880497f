/** Profiles as a Datadog Agent takes them, and what else is sent to one. */
import test from 'ava';
import { isAgent } from '#src/upload/open-route.js';
import { openCollector } from './support/collector.js';
import { AGENT, agentUpload, formOf, givenProfile } from './support/upload.js';

test('it passes for an Agent, and lists no path of traces', async (t) => {
  const { ask } = await openCollector(t);
  const { status, text, body } = await ask('/info');
  t.true(isAgent({ status, body }));
  t.deepEqual((JSON.parse(text) as { endpoints: string[] }).endpoints, [AGENT, '/debugger/v2/input']);
});

test('an upload is kept with the tags and times of its event', async (t) => {
  const { ask, store } = await openCollector(t);
  const data = givenProfile();
  const info = { application: { env: 'prod', version: '1.4.2' }, platform: { hostname: 'web-1' } };
  const { status, text } = await ask(AGENT, agentUpload({ 'wall.pprof': data }, { info }));
  t.is(status, 200);
  t.is(text, '{}');
  const [upload] = store.uploads;
  t.is(upload?.service, 'shop');
  t.is(upload?.client, 'everflame/0.1.0');
  t.is(upload?.start, BigInt(Date.parse('2026-11-22T10:00:00Z')) * 1_000_000n + 123_456n);
  t.is(upload?.end, BigInt(Date.parse('2026-11-22T10:01:00Z')) * 1_000_000n + 4_567_890n);
  t.deepEqual(upload?.tags, [
    ['language', 'javascript'],
    ['runtime', 'nodejs'],
    ['runtime_arch', 'x64'],
    ['runtime_os', 'linux'],
    ['runtime_version', 'v24.21.0'],
    ['process_id', '4242'],
    ['profiler_version', '0.1.0'],
    ['runtime-id', '0d3c7f2c'],
    // A value may have what ends a key.
    ['url', 'https://example.com/shop'],
    ['env', 'prod'],
    ['version', '1.4.2'],
    ['host', 'web-1'],
  ]);
  t.deepEqual(upload?.profiles, [{ name: 'wall.pprof', format: 'pprof', data }]);
});

test('counts of requests are kept with their profiles', async (t) => {
  const { ask, json, store, lines } = await openCollector(t);
  const counts = { 'GET /cart': 7, 'POST /"pay"\n<script>': 2 ** 40, __proto__x: 1, '': 0 };
  const given: [told: unknown, kept: unknown][] = [
    [counts, Object.entries(counts).map(([endpoint, count]) => ({ endpoint, count }))],
    [{}, []],
    [null, undefined],
    [undefined, undefined],
  ];
  for (const [index, [told, kept]] of given.entries()) {
    const upload = agentUpload({ 'wall.pprof': givenProfile(index) }, { endpoint_counts: told });
    t.is((await ask(AGENT, upload)).status, 200);
    t.deepEqual(store.uploads.at(-1)?.requests, kept as undefined, JSON.stringify(told));
  }
  // dd-trace says so where it is told not to count, and sends an empty object.
  const settings = { endpointCollectionEnabled: false };
  const silent = { endpoint_counts: {}, info: { profiler: { settings } } };
  t.is((await ask(AGENT, agentUpload({ 'wall.pprof': givenProfile(9) }, silent))).status, 200);
  t.is(store.uploads.at(-1)?.requests, undefined);
  t.is((await json('/api/v1/status')).requestsLeftOut, 0);
  t.deepEqual(lines, []);
});

const COUNT_FAULTS: [told: unknown, why: string][] = [
  [[['GET /', 1]], 'is no object of numbers'],
  ['GET /', 'is no object of numbers'],
  [7, 'is no object of numbers'],
  [{ 'GET /': -1 }, 'has -1 for "GET /", which is no whole number from 0 to 2^40'],
  [{ 'GET /': 1.5 }, 'has 1.5 for "GET /", which is no whole number from 0 to 2^40'],
  [{ 'GET /': 2 ** 41 }, 'has 2199023255552 for "GET /", which is no whole number from 0 to 2^40'],
  [{ 'GET /': '3' }, 'has "3" for "GET /", which is no whole number from 0 to 2^40'],
  [{ 'GET /': { a: [null] } }, 'has {"a":[null]} for "GET /", which is no whole number from 0 to 2^40'],
  [{ 'a\nb': null }, 'has null for "a\\nb", which is no whole number from 0 to 2^40'],
  [{ ['x'.repeat(4097)]: 1 }, 'has a name of more than 4096 characters'],
  [
    Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`GET /${index}`, 1])),
    'has more than 10000 endpoints',
  ],
];

test('counts that cannot be believed cost nothing but themselves, and one line for each service', async (t) => {
  const { ask, json, store, lines } = await openCollector(t);
  for (const [index, [told, why]] of COUNT_FAULTS.entries()) {
    const changes = { endpoint_counts: told, tags_profiler: `service:shop-${index}` };
    for (const number of [0, 1]) {
      const attachments = { 'wall.pprof': givenProfile(2 * index + number) };
      t.is((await ask(AGENT, agentUpload(attachments, changes))).status, 200);
      t.is(store.uploads.at(-1)?.profiles.length, 1);
      t.is(store.uploads.at(-1)?.requests, undefined);
    }
    const [line, ...others] = lines.splice(0);
    t.deepEqual(others, []);
    t.true(
      line?.endsWith(
        `requests of "shop-${index}" are not counted: endpoint_counts of event.json ${why}. Its profiles are kept; update its client, "everflame/0.1.0".`,
      ),
      line,
    );
  }
  t.is((await json('/api/v1/status')).requestsLeftOut, 2 * COUNT_FAULTS.length);
});

test('it comes in pieces, without a length, and by PUT', async (t) => {
  const { raw, store } = await openCollector(t);
  const { headers, body } = agentUpload();
  const { socket, ended } = await raw();
  socket.write(
    `PUT ${AGENT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: ${headers?.['Content-Type']}\r\n\r\n`,
  );
  const bytes = Buffer.from(body ?? '');
  for (let offset = 0; offset < bytes.length; offset += 61) {
    const piece = bytes.subarray(offset, offset + 61);
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    socket.write('\r\n');
  }
  socket.write('0\r\n\r\n');
  t.regex(await ended, /^HTTP\/1\.1 200 OK/);
  t.deepEqual(store.uploads[0]?.profiles[0]?.data, givenProfile());
});

test('attachments that are no profiles are left out and counted', async (t) => {
  const { ask, json, store } = await openCollector(t);
  const all = {
    'wall.pprof': givenProfile(1),
    'code-provenance.json': '{}',
    'space.pprof': givenProfile(2),
    'main.jfr': 'x',
  };
  t.is((await ask(AGENT, agentUpload(all))).status, 200);
  t.deepEqual(
    store.uploads[0]?.profiles.map(({ name }) => name),
    ['wall.pprof', 'space.pprof'],
  );
  t.is((await ask(AGENT, agentUpload({ 'code-provenance.json': '{}', 'main.jfr': 'x' }))).status, 200);
  t.is(store.commits.length, 1);
  t.is((await json('/api/v1/status')).ignored, 2);
});

test('what is refused of an upload is told; where it is all of it, as an error', async (t) => {
  const { ask, error, json, store } = await openCollector(t);
  const tags_profiler = 'service:shop,runtime:nodejs';
  store.refuses = () => 'it is no profile';
  t.is(
    await error(AGENT, agentUpload(undefined, { tags_profiler })),
    '400 nothing of it was kept: it is no profile. What is taken: docs/store.md, "What is refused".',
  );
  let count = 0;
  store.refuses = () => (count++ === 0 ? undefined : 'it is cut short');
  const { status, text } = await ask(
    AGENT,
    agentUpload({ 'a.pprof': givenProfile(1), 'b.pprof': givenProfile(2) }),
  );
  t.is(status, 200);
  t.is(text, '{"refused":"it is cut short"}');
  t.deepEqual((await json('/api/v1/status')).refused, { profile: 2 });
});

const EVENT_ERRORS: [changes: Record<string, unknown>, error: string][] = [
  [
    { version: '3' },
    '400 event.json has the version "3", and "4" is read. Send with dd-trace 3 or newer, ddtrace 2 or newer, or libdatadog.',
  ],
  [{ tags_profiler: undefined }, '400 event.json has no tags_profiler. Send it.'],
  [{ tags_profiler: 'env:prod' }, '400 the name of the service is missing. Send one.'],
  [
    { tags_profiler: `service:${'s'.repeat(257)}` },
    '400 the name of the service is longer than 256 characters. Shorten it.',
  ],
  [
    { tags_profiler: `service:a,${'k'.repeat(300)}:v` },
    `400 the tag "${'k'.repeat(40)}" is longer than 256 characters, or its value than 4096. Shorten it.`,
  ],
  [
    { tags_profiler: Array.from({ length: 140 }, (_, index) => `k${index}:v`).join() },
    '400 the upload has more than 128 tags. Send fewer.',
  ],
  [{ start: 'yesterday' }, '400 start of event.json is no time. Write it as 2026-11-22T10:00:00.000Z.'],
  [
    { end: '2026-13-45T10:00:00Z' },
    '400 end of event.json is no time. Write it as 2026-11-22T10:00:00.000Z.',
  ],
  [{ end: '2026-11-22T09:00:00Z' }, '400 event.json ends before it starts. Check the clock of the program.'],
];

test('an event that is none is told in one sentence', async (t) => {
  const { error, store } = await openCollector(t);
  for (const [changes, expected] of EVENT_ERRORS)
    t.is(await error(AGENT, agentUpload(undefined, changes)), expected);
  for (const data of ['', '[1', 'null', '"4"', '\u0000']) {
    t.is(
      await error(AGENT, formOf([{ name: 'event', filename: 'event.json', data }])),
      '400 the part event.json is no JSON object. Send it as Datadog Agents take it.',
    );
  }
  const large = { name: 'event', filename: 'event.json', data: '['.repeat(2 * 1024 * 1024 + 1) };
  t.is(
    await error(AGENT, formOf([large])),
    '413 event.json has more than 2 MiB. Send fewer and shorter tags.',
  );
  t.is(
    await error(AGENT, formOf([{ name: 'wall.pprof', data: 'x' }])),
    '400 the form has no part event.json. Send it with the profiles.',
  );
  t.deepEqual(store.commits, []);
});

test('a form that is none is told in one sentence', async (t) => {
  const { error, store } = await openCollector(t);
  const unsupported =
    '415 profiles are taken here as multipart/form-data without a Content-Encoding, as dd-trace sends them. Send them so.';
  const { headers, body = '' } = agentUpload();
  t.is(await error(AGENT, { method: 'POST', body }), unsupported);
  t.is(
    await error(AGENT, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }),
    unsupported,
  );
  t.is(
    await error(AGENT, { method: 'POST', headers: { ...headers, 'Content-Encoding': 'gzip' }, body }),
    unsupported,
  );
  t.is(
    await error(AGENT, { method: 'POST', headers: { 'Content-Type': 'multipart/form-data; x=y' }, body }),
    '415 the body is no form with parts (Multipart: Boundary not found). Send multipart/form-data with its boundary.',
  );
  const broken = '400 the parts of the form are broken or cut short. Send it whole, as RFC 7578 has it.';
  for (const length of [body.length - 10, Math.floor(body.length / 2), 300]) {
    const cut = Buffer.from(body).subarray(0, length);
    t.is(await error(AGENT, { method: 'POST', headers: headers ?? {}, body: cut }), broken, `${length}`);
  }
  t.is(
    await error(AGENT, { ...agentUpload(), method: 'GET' }),
    '405 GET is not for this path. Ask it with POST or PUT.',
  );
  t.deepEqual(store.commits, []);
});

test('no damage to a form is more than a refusal', async (t) => {
  const { ask, store, lines } = await openCollector(t);
  const { headers = {}, body = '' } = agentUpload({ 'wall.pprof': 'x', 'code-provenance.json': '{}' });
  const whole = Buffer.from(body);
  const damaged: Buffer[] = [];
  for (let place = 0; place < whole.length; place += 13) {
    damaged.push(whole.subarray(0, place), whole.subarray(place));
    damaged.push(Buffer.concat([whole.subarray(0, place), whole.subarray(place + 5)]));
    damaged.push(Buffer.concat([whole.subarray(0, place), Buffer.from('\r\n--'), whole.subarray(place)]));
    damaged.push(Buffer.from(whole.map((byte, index) => (index === place ? byte ^ 0x81 : byte))));
  }
  const statuses = new Map<number, number>();
  for (const damage of damaged) {
    const { status } = await ask(AGENT, { method: 'POST', headers, body: damage });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  t.deepEqual([...statuses.keys()].sort(), [200, 400]);
  // What is answered with 200 is kept, or has no profile any more.
  t.true(store.uploads.length <= (statuses.get(200) ?? 0));
  t.deepEqual(lines, []);
  t.is((await ask(AGENT, agentUpload())).status, 200);
});

test('an upload has its limits', async (t) => {
  const { error, ask, store } = await openCollector(t, { limits: { bodyBytes: 1024 * 1024 } });
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`${index}.pprof`, 'x']));
  t.is(
    await error(AGENT, agentUpload(many)),
    '413 the request has more than 32 attachments. Send the others in another one.',
  );
  const large = agentUpload({ 'wall.pprof': Buffer.alloc(1024 * 1024) });
  const tooLarge =
    '413 the request has more than 1 MiB. Send profiles of a shorter time, or fewer in one request.';
  t.is(await error(AGENT, large), tooLarge);
  t.is(await error(AGENT, { ...large, isChunked: true }), tooLarge);
  delete many['32.pprof'];
  t.is((await ask(AGENT, agentUpload(many))).status, 200);
  t.is(store.uploads[0]?.profiles.length, 32);
});

test('what tracers send beside profiles is dropped without an error', async (t) => {
  const { ask, store } = await openCollector(t);
  for (const [path, status, body] of [
    ['/v0.4/traces', 200, '{"rate_by_service":{}}'],
    ['/v0.5/traces', 200, '{"rate_by_service":{}}'],
    ['/v0.6/stats', 200, '{}'],
    ['/v0.1/pipeline_stats', 202, '{}'],
    ['/telemetry/proxy/api/v2/apmtelemetry', 202, '{}'],
    ['/dogstatsd/v2/proxy', 200, '{}'],
    // As an Agent without remote configuration.
    ['/v0.7/config', 404, '{"error":"there is no remote configuration here."}'],
  ] as const) {
    const got = await ask(path, { method: 'POST', body: Buffer.alloc(200_000, 1) });
    t.is(got.status, status, path);
    t.is(got.text, body, path);
  }
  t.deepEqual(store.commits, []);
});
