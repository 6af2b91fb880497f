import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OtlpExporter } from '#src/upload/exporters/otlp.js';
import { PyroscopeExporter } from '#src/upload/exporters/pyroscope.js';
import { type GivenPart, givenEvent, givenMultipart } from '../support/build-multipart.js';
import { encodeProfile } from '../support/build-profile.js';
import { givenUpload } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { startOtlpReceiver } from '../support/receivers/otlp.js';
import { startPyroscopeReceiver } from '../support/receivers/pyroscope.js';
import { send } from '../support/send.js';
import { sumOf, WALL_TYPES, wallSamples } from '../support/truth.js';

// The receivers prove what exporters send, so it is proved here that they find what is wrong.

const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const SAMPLES = wallSamples(31, 7, START);
const WALL: GivenPart = { name: 'wall.pprof', data: encodeProfile(WALL_TYPES, SAMPLES, { start: START }) };
const PROVENANCE: GivenPart = { name: 'code-provenance.json', data: '{"v1":[]}' };

function event(changes: Record<string, unknown> = {}, attachments = [WALL.name, PROVENANCE.name]): GivenPart {
  const data = JSON.stringify(givenEvent(attachments, changes));
  return { name: 'event', filename: 'event.json', type: 'application/json', data };
}

async function closing<T extends { close(): Promise<void> }>(
  t: ExecutionContext,
  started: Promise<T>,
): Promise<T> {
  const receiver = await started;
  t.teardown(() => receiver.close());
  return receiver;
}

test('an Agent takes a valid upload, by TCP and by a Unix socket', async (t) => {
  const socketPath = join(temporaryFolder(t), 'apm.socket');
  for (const options of [{}, { socketPath }]) {
    const receiver = await closing(t, startDatadogReceiver(options));
    const request = givenMultipart(options.socketPath ? 'http://localhost' : receiver.url, [
      event(),
      WALL,
      PROVENANCE,
    ]);
    const answer = await send({ ...request, ...options });
    t.is(answer.status, 200);
    t.deepEqual(receiver.violations, []);
    const [upload] = receiver.received;
    t.is(upload?.profiles.get('wall.pprof')?.totals.get('wall'), sumOf(SAMPLES, 1));
    t.is(upload?.tags.get('url'), 'https://example.com/shop');
    t.is(upload?.event.endpoint_counts?.['GET /'], 3);
    t.is(upload?.headers['dd-evp-origin'], 'everflame');
  }
});

test('an Agent finds what is wrong with an upload', async (t) => {
  const receiver = await closing(t, startDatadogReceiver());
  const tags = (text: string): GivenPart =>
    event({ tags_profiler: `${(givenEvent([]) as { tags_profiler: string }).tags_profiler}${text}` });
  const cut = Buffer.from(WALL.data).subarray(0, 100);
  const types: [string, string][] = [['a', 'b']];
  const cases: [expected: RegExp, parts: GivenPart[]][] = [
    [/the first part is wall\.pprof/, [WALL, event(), PROVENANCE]],
    [/the first part is undefined/, []],
    [/lists wall\.pprof,code-provenance\.json and the parts are wall\.pprof/, [event(), WALL]],
    [/the parts are code-provenance\.json,wall\.pprof/, [event(), PROVENANCE, WALL]],
    [/version is "3"/, [event({ version: '3' }), WALL, PROVENANCE]],
    [/family is "nodejs"/, [event({ family: 'nodejs' }), WALL, PROVENANCE]],
    [/start is "yesterday"/, [event({ start: 'yesterday' }), WALL, PROVENANCE]],
    [/ends before it starts/, [event({ end: '2026-11-22T09:00:00Z' }), WALL, PROVENANCE]],
    [/tags_profiler is \["a:b"\]/, [event({ tags_profiler: ['a:b'] }), WALL, PROVENANCE]],
    [/endpoint_counts is \{"a":"1"\}/, [event({ endpoint_counts: { a: '1' } }), WALL, PROVENANCE]],
    [/process_tags is "b:1,a:2"/, [event({ process_tags: 'b:1,a:2' }), WALL, PROVENANCE]],
    [/has extra, which nobody knows/, [event({ extra: 1 }), WALL, PROVENANCE]],
    [/a tag is empty/, [tags(','), WALL, PROVENANCE]],
    [/"a:" is no tag/, [tags(',a:'), WALL, PROVENANCE]],
    [/":a" is no tag/, [tags(',:a'), WALL, PROVENANCE]],
    [/"a" is no tag/, [tags(',a'), WALL, PROVENANCE]],
    [/the tag service is there twice/, [tags(',service:x'), WALL, PROVENANCE]],
    [/the tag runtime-id is missing/, [event({ tags_profiler: 'service:x' }), WALL, PROVENANCE]],
    [/has the file name x/, [event(), { ...WALL, filename: 'x' }, PROVENANCE]],
    [/has the type text\/plain/, [event(), { ...WALL, type: 'text/plain' }, PROVENANCE]],
    [/wall\.pprof: .*unexpected end/, [event(), { ...WALL, data: cut }, PROVENANCE]],
    [/code-provenance\.json: /, [event(), WALL, { ...PROVENANCE, data: '{' }]],
    [
      /a value is below zero/,
      [event(), { ...WALL, data: encodeProfile(types, [{ values: [-1], stack: [] }]) }, PROVENANCE],
    ],
    [
      /a sample has 2 values/,
      [event(), { ...WALL, data: encodeProfile(types, [{ values: [1, 2], stack: [] }]) }, PROVENANCE],
    ],
  ];
  for (const [expected, parts] of cases) {
    receiver.violations.length = 0;
    const answer = await send(givenMultipart(receiver.url, parts));
    t.is(answer.status, 400);
    t.regex(receiver.violations.join('\n'), expected);
  }
  const valid = givenMultipart(receiver.url, [event(), WALL, PROVENANCE]);
  const headers: [expected: RegExp, headers: Record<string, string>][] = [
    [/dd-evp-origin is missing/, { 'DD-EVP-ORIGIN': '' }],
    [/an Agent got the API key/, { 'DD-API-KEY': 'key' }],
    [/compressed as a whole/, { 'Content-Encoding': 'gzip' }],
    [/Datadog-Entity-ID is x/, { 'Datadog-Entity-ID': 'x' }],
    [/no multipart/, { 'Content-Type': 'application/json' }],
  ];
  for (const [expected, changes] of headers) {
    receiver.violations.length = 0;
    await send({ ...valid, headers: { ...valid.headers, ...changes } });
    t.regex(receiver.violations.join('\n'), expected);
  }
  t.is((await send({ ...valid, url: `${receiver.url}/profiling/v2/input` })).status, 404);
  t.deepEqual(receiver.received, []);
});

test("Datadog's intake asks for the key, and the Lambda extension for less", async (t) => {
  const intake = await closing(t, startDatadogReceiver({ apiKey: 'key' }));
  const valid = givenMultipart(intake.url, [event(), WALL, PROVENANCE]);
  const url = `${intake.url}/api/v2/profile`;
  t.is((await send({ ...valid, url })).status, 403);
  t.is((await send({ ...valid, url, headers: { ...valid.headers, 'DD-API-KEY': 'key' } })).status, 202);
  t.deepEqual(intake.violations, []);
  const extension = await closing(t, startDatadogReceiver({ mostBytes: 1000 }));
  t.is((await send(givenMultipart(extension.url, [event(), WALL, PROVENANCE]))).status, 413);
});

test('all goes wrong as a test wants it', async (t) => {
  const receiver = await closing(t, startDatadogReceiver());
  const request = givenMultipart(receiver.url, [event(), WALL, PROVENANCE]);
  const { faults } = receiver;
  faults.next(
    { kind: 'status', status: 503, headers: { 'Retry-After': '7' }, body: 'later' },
    { kind: 'reset' },
    { kind: 'reset', afterBytes: 1 },
    { kind: 'garbage' },
    { kind: 'slow', milliseconds: 100 },
  );
  const later = await send(request);
  t.deepEqual([later.status, later.headers['retry-after'], later.body.toString()], [503, '7', 'later']);
  await t.throwsAsync(send(request), { code: 'ECONNRESET' });
  await t.throwsAsync(send(request));
  await t.throwsAsync(send(request), { message: /Parse Error|socket hang up/ });
  const before = Date.now();
  t.is((await send(request)).status, 200);
  t.true(Date.now() - before >= 50);
  faults.next({ kind: 'hang' });
  const hanging = send(request).catch(() => 'an error');
  // On a busy machine it takes its time to come; nobody else is to get this fault.
  while (receiver.attempts.at(-1)?.fault !== 'hang') await new Promise((resolve) => setTimeout(resolve, 5));
  const patience = new Promise<string>((resolve) => setTimeout(() => resolve('nobody answers'), 200));
  t.is(await Promise.race([hanging, patience]), 'nobody answers');
  await faults.refuse();
  await t.throwsAsync(send(request), { message: /ECONNREFUSED/ });
  await faults.accept();
  faults.always({ kind: 'status', status: 429 });
  for (const _ of [1, 2]) t.is((await send(request)).status, 429);
  faults.always(undefined);
  t.is((await send(request)).status, 200);
  t.deepEqual(
    receiver.attempts.map(({ fault }) => fault),
    ['status', 'reset', 'reset', 'garbage', 'slow', 'hang', 'status', 'status', undefined],
  );
  t.is(receiver.received.length, 2);
});

test('Pyroscope finds what is wrong with a profile', async (t) => {
  const receiver = await closing(t, startPyroscopeReceiver());
  const exporter = new PyroscopeExporter({ serverAddress: receiver.url });
  const upload = givenUpload([{ name: WALL.name, data: Buffer.from(WALL.data) }]);
  const [pushed] = await exporter.requests(upload);
  exporter.judge({ status: 404, headers: {}, body: Buffer.alloc(0) });
  const [ingested] = await exporter.requests(upload);
  if (!pushed || !ingested) throw new Error('nothing to send');
  const refused = async (request: typeof pushed): Promise<string> => {
    receiver.violations.length = 0;
    const { status } = await send(request);
    return `${status} ${receiver.violations.join('\n')}`;
  };
  const ingest = (data: Buffer, url = ingested.url): Promise<string> =>
    refused({ ...ingested, url, body: data });
  const cut = pushed.body.subarray(0, -1);
  t.regex(await refused({ ...pushed, body: cut }), /^400 .*ends in the middle/);
  const json = { ...pushed.headers, 'Content-Type': 'application/json' };
  t.regex(await refused({ ...pushed, headers: json }), /^400 the content type is application\/json/);
  const stack = [{ name: 'f' }];
  const typed = (type: string): Buffer => encodeProfile([[type, 'count']], [{ values: [1], stack }]);
  t.regex(await ingest(typed('exception-samples')), /^422 sample type contains -/);
  t.regex(await ingest(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])), /^422 /);
  const many = wallSamples(16_001, 16_001, START);
  t.regex(await ingest(encodeProfile(WALL_TYPES, many)), /^(422 exceeds the samples count|429 )/);
  const large = [{ values: [1], stack: [{ name: 'x'.repeat(2 ** 21) }] }];
  t.regex(await ingest(encodeProfile([['a', 'b']], large)), /^429 ingestion rate limit/);
  const old = START - 4_000_000_000_000n;
  t.regex(await ingest(encodeProfile(WALL_TYPES, SAMPLES, { start: old })), /^422 .*ingestion window/);
  const labels = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`l${index}`, 'x']));
  t.regex(
    await ingest(encodeProfile([['a', 'b']], [{ values: [1], stack, labels }])),
    /^422 .*label names; limit 30/,
  );
  const dashed = [{ values: [1], stack, labels: { 'a-b': 'x' } }];
  t.regex(await ingest(encodeProfile([['a', 'b']], dashed)), /^422 invalid label name 'a-b'/);
  t.regex(await ingest(ingested.body, ingested.url.replace('shop', 'shop%7B')), /^422 .* is no label/);
  t.deepEqual(receiver.received, []);
  t.is((await send(pushed)).status, 200);
  t.is((await send(ingested)).status, 200);
  t.is(receiver.totals.get('wall:wall:nanoseconds:wall:nanoseconds'), 2n * sumOf(SAMPLES, 1));
});

test('an OpenTelemetry receiver finds what is wrong with a request', async (t) => {
  const receiver = await closing(t, startOtlpReceiver({ mostBytes: 100_000 }));
  const exporter = new OtlpExporter({ endpoint: receiver.url });
  const [request] = await exporter.requests(givenUpload([{ name: WALL.name, data: Buffer.from(WALL.data) }]));
  if (!request) throw new Error('nothing to send');
  const typed = (type: string) => send({ ...request, headers: { ...request.headers, 'content-type': type } });
  t.is((await typed('application/x-protobuf; charset=utf-8')).status, 415);
  t.is((await typed('application/json')).status, 415);
  const sent = (body: Buffer, encoding?: string) =>
    send({
      ...request,
      headers: {
        'content-type': 'application/x-protobuf',
        ...(encoding !== undefined && { 'content-encoding': encoding }),
      },
      body,
    });
  receiver.violations.length = 0;
  t.is((await sent(Buffer.alloc(0))).status, 400);
  t.regex(receiver.violations.join(), /the dictionary is missing/);
  // A dictionary with nothing in it.
  t.is((await sent(Buffer.from([0x12, 0x00]))).status, 400);
  t.regex(receiver.violations.join(), /string_table\[0\] is not empty/);
  t.is((await sent(request.body.subarray(0, -20), 'gzip')).status, 400);
  t.is((await sent(request.body, 'deflate')).status, 400);
  t.is((await sent(Buffer.alloc(100_001))).status, 413);
  t.deepEqual(receiver.received, []);
  t.is((await send(request)).status, 200);
});

/** A protobuf field that is a message, a text or bytes. */
function field(number: number, ...content: (Buffer | string)[]): Buffer {
  const data = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.of((number << 3) | 2, data.length), data]);
}

/** A protobuf field that is a number below 128. */
function small(number: number, value: number): Buffer {
  return Buffer.of(number << 3, value);
}

function fixed(...values: bigint[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => {
    data.writeBigUInt64LE(value, 8 * index);
  });
  return data;
}

/** Entry zero of each table but that of texts. */
const ZEROS = [1, 2, 3, 4, 6, 7].map((number) => field(number));
const TEXTS = ['', 'wall', 'nanoseconds', 'a-b'].map((text) => field(5, text));
const TYPE = Buffer.concat([small(1, 1), small(2, 2)]);

/** A request with one profile, of which a part is other than it should be. */
function given({
  dictionary = [...ZEROS, ...TEXTS],
  sample = field(4, Buffer.of(5)),
  type = TYPE,
  profile = [small(6, 1), field(7, 'x'.repeat(16))],
  resource = Buffer.alloc(0),
}: {
  dictionary?: Buffer[];
  sample?: Buffer;
  type?: Buffer;
  profile?: Buffer[];
  resource?: Buffer;
} = {}): Buffer {
  const time = Buffer.concat([Buffer.of((3 << 3) | 1), fixed(1000n), small(4, 100)]);
  const own = field(2, field(1, type), field(2, sample), time, field(5, TYPE), ...profile);
  return Buffer.concat([field(1, field(1, resource), field(2, field(1), own)), field(2, ...dictionary)]);
}

test('an OpenTelemetry receiver finds each rule that is broken', async (t) => {
  const receiver = await closing(t, startOtlpReceiver());
  const sent = async (body: Buffer): Promise<string> => {
    receiver.violations.length = 0;
    const headers = { 'content-type': 'application/x-protobuf' };
    const url = `${receiver.url}/v1development/profiles`;
    const { status } = await send({ part: '', url, headers, body });
    return `${status} ${receiver.violations.join()}`;
  };
  t.is(await sent(given()), '200 ');
  t.is(receiver.totals.get('wall/nanoseconds'), 5n);
  const location = (content: Buffer): Buffer[] => [...ZEROS, ...TEXTS, field(2, content)];
  const times = (values: bigint[], ...at: bigint[]): Buffer =>
    Buffer.concat([field(4, Buffer.from(values.map(Number))), field(5, fixed(...at))]);
  const team = field(1, field(1, 'a'), field(2, field(1, 'b')));
  const cases: [expected: RegExp, request: Buffer][] = [
    [/string_table\[0\]/, given({ dictionary: [...ZEROS, ...TEXTS.slice(1)] })],
    [/mapping_table\[0\]/, given({ dictionary: [...ZEROS.slice(1), ...TEXTS] })],
    [/stack_table\[0\]/, given({ dictionary: [...ZEROS.slice(0, -1), ...TEXTS] })],
    [/link_table\[0\]/, given({ dictionary: [field(4, field(1, 'x'.repeat(16))), ...ZEROS, ...TEXTS] })],
    [/there is no string 4/, given({ type: Buffer.concat([small(1, 4), small(2, 2)]) })],
    [/there is no stack 1/, given({ sample: Buffer.concat([small(1, 1), field(4, Buffer.of(5))]) })],
    [/there is no link 1/, given({ sample: Buffer.concat([small(3, 1), field(4, Buffer.of(5))]) })],
    [
      /there is no attribute 1/,
      given({ sample: Buffer.concat([field(2, Buffer.of(1)), field(4, Buffer.of(5))]) }),
    ],
    [
      /an attribute index is zero/,
      given({ sample: Buffer.concat([field(2, Buffer.of(0)), field(4, Buffer.of(5))]) }),
    ],
    [/there is no mapping 1/, given({ dictionary: location(small(1, 1)) })],
    [/a location has no mapping/, given({ dictionary: location(small(2, 1)) })],
    [/link 1 has ids of 3 and 0/, given({ dictionary: [...ZEROS, ...TEXTS, field(4, field(1, 'abc'))] })],
    [/without times has 2 values/, given({ sample: field(4, Buffer.of(5, 6)) })],
    [/2 values and 1 times/, given({ sample: times([5n, 6n], 1000n) })],
    [/a time is not in the period/, given({ sample: times([5n], 1100n) })],
    [/a time is not in the period/, given({ sample: times([5n], 999n) })],
    [/a value is zero/, given({ sample: field(4, Buffer.of(0)) })],
    [/sample type contains -/, given({ type: Buffer.concat([small(1, 3), small(2, 2)]) })],
    [/a profile has no period/, given({ profile: [field(7, 'x'.repeat(16))] })],
    [/a profile has no id/, given({ profile: [small(6, 1), field(7, '\0'.repeat(16))] })],
    [/nobody knows field 12/, given({ profile: [small(12, 1)] })],
    [/the resource is missing/, Buffer.concat([field(1, field(2)), field(2, ...ZEROS, ...TEXTS)])],
    [/the scope is missing/, Buffer.concat([field(1, field(1), field(2)), field(2, ...ZEROS, ...TEXTS)])],
    [
      /there is no profile/,
      Buffer.concat([field(1, field(1), field(2, field(1))), field(2, ...ZEROS, ...TEXTS)]),
    ],
    [/the attribute a is there twice/, given({ resource: Buffer.concat([team, team]) })],
  ];
  for (const [expected, request] of cases)
    t.regex(await sent(request), new RegExp(`^400 .*${expected.source}`));
  t.is(receiver.received.length, 1);
});
