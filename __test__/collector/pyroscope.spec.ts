/** Profiles as Pyroscope takes them: /ingest and the push API. */
import { gzipSync } from 'node:zlib';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import test from 'ava';
import { ingestQuery } from '#src/upload/exporters/pyroscope/ingest.js';
import { PUSH_PATH, pushRequest } from '#src/upload/exporters/pyroscope/push.js';
import { openCollector } from './support/collector.js';
import { formOf, givenProfile } from './support/upload.js';

const SECOND = 1_000_000_000n;
const OCTETS = { 'Content-Type': 'application/octet-stream' };

test('a profile is the whole body, and its name has the labels', async (t) => {
  const { ask, store } = await openCollector(t);
  const body = givenProfile();
  const name = encodeURIComponent('my.shop{env=prod, region=eu-1,__session_id__=7,service_git_ref=a1=b}');
  const query = `name=${name}&from=1795960800&until=1795960860&format=pprof&spyName=nodespy&sampleRate=100`;
  const { status, text } = await ask(`/ingest?${query}`, { method: 'POST', headers: OCTETS, body });
  t.is(status, 200, text);
  const [upload] = store.uploads;
  t.deepEqual(upload, {
    service: 'my.shop',
    tags: [
      ['env', 'prod'],
      ['region', 'eu-1'],
      ['service_git_ref', 'a1=b'],
      ['pyroscope_spy', 'nodespy'],
    ],
    start: 1_795_960_800n * SECOND,
    end: 1_795_960_860n * SECOND,
    client: 'unknown',
    profiles: [{ name: 'profile.pprof', format: 'pprof', data: body }],
  });
});

test('what our own exporter sends arrives', async (t) => {
  const { ask, store } = await openCollector(t);
  const body = givenProfile();
  const query = ingestQuery(
    [
      ['service_name', 'a shop'],
      ['env', 'x,y'],
    ],
    5n * SECOND,
    7n * SECOND,
  );
  t.is((await ask(`/pyroscope/ingest?${query}`, { method: 'POST', headers: OCTETS, body })).status, 200);
  t.is(store.uploads[0]?.service, 'a shop');
  t.deepEqual(store.uploads[0]?.tags, [
    ['env', 'x_y'],
    ['pyroscope_spy', 'nodespy'],
  ]);
  t.deepEqual([store.uploads[0]?.start, store.uploads[0]?.end], [5n * SECOND, 7n * SECOND]);
});

test('times are seconds, milliseconds, microseconds or nanoseconds by their digits', async (t) => {
  const { ask, store } = await openCollector(t);
  for (const until of ['1795960860', '1795960860000', '1795960860000000', '1795960860000000000']) {
    await ask(`/ingest?name=a&format=pprof&from=0&until=${until}`, {
      method: 'POST',
      headers: OCTETS,
      body: givenProfile(Number(until.length)),
    });
  }
  t.deepEqual(
    store.uploads.map(({ end }) => end),
    Array.from({ length: 4 }, () => 1_795_960_860n * SECOND),
  );
});

test('older clients send a form', async (t) => {
  const { ask, error, store } = await openCollector(t);
  const data = givenProfile();
  const form = formOf([
    { name: 'profile', filename: 'profile', data },
    { name: 'sample_type_config', filename: 'x.json', data: '{}' },
  ]);
  t.is((await ask('/ingest?name=shop', form)).status, 200);
  t.deepEqual(store.uploads[0]?.profiles[0]?.data, data);
  t.is(
    await error(
      '/ingest?name=shop',
      formOf([
        { name: 'profile', data },
        { name: 'prev_profile', data },
      ]),
    ),
    '400 a profile with the one before it (prev_profile) is not read. Send each by itself.',
  );
  t.is(
    await error('/ingest?name=shop', formOf([{ name: 'other', data }])),
    '400 there is no profile in the request. Send one.',
  );
});

test('an ingest without its times is the same when it comes again', async (t) => {
  const { ask, store } = await openCollector(t);
  for (const times of ['', '&from=1795960800', '&until=1795960800', '']) {
    const sent = { method: 'POST', headers: OCTETS, body: givenProfile() };
    const got = await ask(`/ingest?name=a&format=pprof${times}`, sent);
    t.is(got.status, 200, got.text);
  }
  t.deepEqual(
    store.uploads.map(({ start, end }) => [start, end]),
    Array.from({ length: 4 }, () => [0n, 0n]),
  );
});

test('an ingest that is none is told in one sentence', async (t) => {
  const { error, store } = await openCollector(t);
  const sent = { method: 'POST', headers: OCTETS, body: givenProfile() };
  for (const [query, expected] of [
    ['', '400 format is missing. Send the profile as the body with format=pprof.'],
    ['name=a&format=jfr', '415 the format "jfr" is not read. Send pprof, with format=pprof.'],
    ['format=pprof', '400 the name of the application is missing. Send one.'],
    ['name=a{b&format=pprof', '400 name is no application. Write it as app{label=value,other=value}.'],
    ['name=a{b}&format=pprof', '400 a label in name has no value. Write it as app{label=value}.'],
    ['name=a&format=pprof&from=noon', '400 from is no time. Write it as seconds since 1970.'],
    ['name=a&format=pprof&from=9&until=8', '400 until is before from. Check the clock of the program.'],
  ] as const) {
    t.is(await error(`/ingest?${query}`, sent), expected);
  }
  t.is(
    await error('/ingest?name=a&format=pprof', { ...sent, body: '' }),
    '400 there is no profile in the request. Send one.',
  );
  t.deepEqual(store.commits, []);
});

const PROTOBUF = { 'Content-Type': 'application/proto' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

test('a push is protobuf, with gzip or without', async (t) => {
  const { ask, store } = await openCollector(t);
  const labels = [
    ['__name__', 'process_cpu'],
    ['service_name', 'shop'],
    ['env', 'prod'],
  ] as const;
  for (const [number, isPacked] of [
    [1, false],
    [2, true],
  ] as const) {
    const plain = pushRequest(labels, 'some-id', givenProfile(number));
    const body = isPacked ? gzipSync(plain) : plain;
    const headers = { ...PROTOBUF, ...(isPacked && { 'Content-Encoding': 'gzip' }) };
    const got = await ask(PUSH_PATH, { method: 'POST', headers, body });
    t.is(got.status, 200, got.text);
    t.is(got.headers['content-type'], 'application/proto');
    t.is(got.body.length, 0);
  }
  t.deepEqual(
    store.uploads.map(({ service, tags, start, end, profiles }) => ({ service, tags, start, end, profiles })),
    [1, 2].map((number) => ({
      service: 'shop',
      tags: [['env', 'prod']],
      // The profile's own time counts.
      start: 0n,
      end: 0n,
      profiles: [{ name: 'process_cpu.pprof', format: 'pprof', data: givenProfile(number) }],
    })),
  );
});

test('a push is JSON, and each series is kept by itself', async (t) => {
  const { ask, store } = await openCollector(t);
  const series = [1, 2].map((number) => ({
    labels: [{ name: 'service_name', value: `shop-${number}` }],
    samples: [{ ID: 'x', rawProfile: givenProfile(number).toString('base64') }],
  }));
  const body = JSON.stringify({ series: [...series, { labels: [], samples: [{ rawProfile: 'AAAA' }] }] });
  const got = await ask(PUSH_PATH, { method: 'POST', headers: JSON_TYPE, body });
  t.is(got.status, 200, got.text);
  t.is(got.text, '{}');
  t.deepEqual(
    store.uploads.map(({ service }) => service),
    ['shop-1', 'shop-2', 'unknown_service'],
  );
  t.deepEqual(store.uploads[1]?.profiles[0]?.data, givenProfile(2));
  t.is(store.commits.length, 1);
});

const TOO_MANY = 'the push is made of more than 100000 parts. Send fewer series in one.';

test('what a push is made of is counted before it takes memory', async (t) => {
  const { ask, store } = await openCollector(t);
  const times = 3_000_000;
  for (const [headers, body] of [
    [JSON_TYPE, Buffer.from(`{"series":[{}${',{}'.repeat(times / 3)}]}`)],
    [JSON_TYPE, Buffer.alloc(times, '[')],
    [JSON_TYPE, Buffer.from(`{"series":[{"labels":[{}${',{}'.repeat(times / 3)}]}]}`)],
    [PROTOBUF, Buffer.alloc(times, '\n\0')],
    [PROTOBUF, Buffer.alloc(times, '\x10\0')],
    [PROTOBUF, Buffer.from(new BinaryWriter().uint32(10).bytes(Buffer.alloc(times, '\n\0')).finish())],
  ] as const) {
    const packed = { ...headers, 'Content-Encoding': 'gzip' };
    const got = await ask(PUSH_PATH, { method: 'POST', headers: packed, body: gzipSync(body) });
    t.deepEqual([got.status, JSON.parse(got.text)], [413, { code: 'resource_exhausted', message: TOO_MANY }]);
  }
  t.deepEqual(store.commits, []);
});

test('a push of as much as may be in one is read', async (t) => {
  const { ask, store } = await openCollector(t);
  const labels = Array.from({ length: 127 }, (_, index) => ({ name: `label-${index}`, value: 'a,b{c}' }));
  const series = Array.from({ length: 32 }, (_, index) => ({
    labels: [{ name: 'service_name', value: `shop-${index}` }, ...labels],
    samples: [{ rawProfile: 'AAAA' }],
  }));
  const body = JSON.stringify({ series });
  const got = await ask(PUSH_PATH, { method: 'POST', headers: JSON_TYPE, body });
  t.is(got.status, 200, got.text);
  t.deepEqual(
    store.uploads.map(({ tags, joined }) => [tags.length, joined]),
    series.map((_, index) => [127, index > 0]),
  );
});

test('a push that is none is told as the Connect protocol has it', async (t) => {
  const { ask, store } = await openCollector(t);
  const many = { series: [{ samples: Array.from({ length: 33 }, () => ({ rawProfile: 'AAAA' })) }] };
  for (const [headers, body, status, code, message] of [
    [
      { 'Content-Type': 'application/grpc' },
      'x',
      415,
      'unimplemented',
      'a push is application/proto or application/json here, and not gRPC. Send it by the Connect protocol.',
    ],
    [JSON_TYPE, '{', 400, 'invalid_argument', 'the body is no JSON, or is cut short. Send it whole.'],
    [JSON_TYPE, 'null', 400, 'invalid_argument', 'there is no profile in the push. Send one.'],
    [
      JSON_TYPE,
      '{"series":7}',
      400,
      'invalid_argument',
      'series of the push is no list. Send it as push.v1.PushRequest has it.',
    ],
    [
      JSON_TYPE,
      '{"series":[{"samples":[{}]}]}',
      400,
      'invalid_argument',
      'a sample of the push has no rawProfile. Send it as base64.',
    ],
    [
      JSON_TYPE,
      JSON.stringify(many),
      400,
      'invalid_argument',
      'the push has more than 32 profiles. Send the others in another one.',
    ],
    [
      // A group.
      PROTOBUF,
      '\x0b\x0c',
      400,
      'invalid_argument',
      'the body is no push.v1.PushRequest, or is cut short. Send it whole.',
    ],
    [
      PROTOBUF,
      '\n\xff',
      400,
      'invalid_argument',
      'the body is no push.v1.PushRequest, or is cut short. Send it whole.',
    ],
    [
      { ...PROTOBUF, 'Content-Encoding': 'gzip' },
      'x',
      400,
      'invalid_argument',
      'the body is not gzip, as its Content-Encoding says, or is cut short. Send it whole.',
    ],
    [
      { ...PROTOBUF, 'Content-Encoding': 'br' },
      'x',
      415,
      'unimplemented',
      'the body is encoded with "br", and gzip or none is read. Send it with Content-Encoding: gzip, or without one.',
    ],
  ] as const) {
    const got = await ask(PUSH_PATH, { method: 'POST', headers, body });
    t.is(got.status, status, body);
    t.deepEqual(JSON.parse(got.text), { code, message });
  }
  t.deepEqual(store.commits, []);
});
