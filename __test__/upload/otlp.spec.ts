import test, { type ExecutionContext } from 'ava';
import { OtlpExporter, type OtlpOptions } from '#src/upload/exporters/otlp.js';
import type { Attachment } from '#src/upload/upload.js';
import { encodeProfile, type GivenSample } from '../support/build-profile.js';
import { givenIdentity, givenUpload } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { type OtlpReceiver, type OtlpReceiverOptions, startOtlpReceiver } from '../support/receivers/otlp.js';
import { sendUpload } from '../support/send.js';
import { frameOf, sumOf, sumsBy, WALL_TYPES, wallSamples } from '../support/truth.js';
import { fates, givenProcess } from './support/process.js';

const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const MINUTE = 60_000_000_000n;

function wall(samples: GivenSample[]): Attachment {
  const period = {
    start: START,
    durationNanoseconds: MINUTE,
    period: 10_101_010,
    periodType: ['wall', 'nanoseconds'] as [string, string],
  };
  return { name: 'wall.pprof', data: encodeProfile(WALL_TYPES, samples, period) };
}

async function otlp(
  t: ExecutionContext,
  receiver: OtlpReceiverOptions = {},
  options: Partial<OtlpOptions> = {},
): Promise<{ receiver: OtlpReceiver; exporter: OtlpExporter }> {
  const server = await startOtlpReceiver(receiver);
  t.teardown(server.close);
  return { receiver: server, exporter: new OtlpExporter({ endpoint: server.url, ...options }) };
}

for (const timeline of [false, true]) {
  test(`all that was sampled arrives, by type, stack and thread, ${timeline ? 'with times' : 'as totals'}`, async (t) => {
    const { receiver, exporter } = await otlp(t, {}, { timeline });
    const samples = wallSamples(1009, 97, START);
    const sent = await sendUpload(exporter, givenUpload([wall(samples)]));
    t.deepEqual(receiver.violations, []);
    t.deepEqual(
      sent.map(({ request, verdict }) => [request.part, verdict]),
      [['wall', { kind: 'delivered' }]],
    );
    const [received] = receiver.received;
    t.deepEqual(
      received?.profiles.map(({ type, periodType, period, time, duration }) => [
        type,
        periodType,
        period,
        time,
        duration,
      ]),
      [
        ['sample/count', 'wall/nanoseconds', 10_101_010n, START, MINUTE],
        ['wall/nanoseconds', 'wall/nanoseconds', 10_101_010n, START, MINUTE],
        ['cpu/nanoseconds', 'cpu/nanoseconds', 10_101_010n, START, MINUTE],
      ],
    );
    for (const [column, profile] of (received?.profiles ?? []).entries()) {
      t.is(profile.total, sumOf(samples, column));
      t.deepEqual(
        sumsBy(
          profile.samples,
          ({ stack, attributes }) =>
            `${stack.join(';')} ${attributes.get('thread.name')} ${attributes.get('thread.id')}`,
          ({ values }) => values.reduce((a, b) => a + b),
        ),
        sumsBy(
          samples,
          ({ stack, thread, labels }) =>
            `${stack.map(frameOf).join(';')} ${thread} ${labels?.['os thread id']}`,
          ({ values }) => BigInt(values[column] as number),
        ),
      );
      // Equal samples are one: stacks with and without the native leaf on three threads, at most.
      t.true(profile.samples.length <= 97 * 2 * 3);
      const times = profile.samples.flatMap((sample) => sample.times);
      t.is(times.length, timeline ? samples.filter(({ values }) => values[column] !== 0).length : 0);
    }
    t.is(received?.frameTypes.get('/srv/app.js:3 main'), 'v8js');
    t.is(received?.frameTypes.get('/lib/libc.so.6:0 read'), 'native');
  });
}

test('each value has its own time, moved into the period where it is not', async (t) => {
  const { receiver, exporter } = await otlp(t, {}, { timeline: true });
  const [sample] = wallSamples(1, 1, START) as [GivenSample];
  const offsets = [-5n, 0n, 7n, MINUTE - 1n, MINUTE, 2n * MINUTE];
  const samples = offsets.map((offset, index) => ({
    ...sample,
    values: [1, 11 + index, 0],
    labels: { end_timestamp_ns: START + offset },
  }));
  await sendUpload(
    exporter,
    givenUpload([wall([...samples, { ...sample, values: [1, 97, 0], labels: {} }])]),
  );
  t.deepEqual(receiver.violations, []);
  const profile = receiver.received[0]?.profiles.find(({ type }) => type === 'wall/nanoseconds');
  t.deepEqual(
    profile?.samples.map(({ values, times }) => [values, times.map((time) => time - START)]),
    [
      [
        [11n, 12n, 13n, 14n, 15n, 16n],
        [0n, 0n, 7n, MINUTE - 1n, MINUTE - 1n, MINUTE - 1n],
      ],
      [[97n], []],
    ],
  );
});

test('the resource tells what the process is, each key once', async (t) => {
  const { receiver, exporter } = await otlp(t);
  const identity = givenIdentity({
    gitCommitSha: 'f00d',
    gitRepositoryUrl: 'https://example.com/shop',
    tags: [
      ['team', 'checkout'],
      ['service.name', 'of a tag'],
      ['a\nb', 'line\nend'],
      ['lone\ud800', '\udfff'],
      ['lone\ud801', 'another half'],
      ['x'.repeat(300), 'v'.repeat(300)],
      ['', 'no key'],
    ],
  });
  await sendUpload(exporter, givenUpload([wall(wallSamples(1, 1, START))], { identity }));
  t.deepEqual(receiver.violations, []);
  t.is(receiver.received[0]?.scope, 'everflame');
  t.deepEqual(Object.fromEntries(receiver.received[0]?.resource ?? []), {
    'service.name': 'shop',
    'service.version': '1.4.2',
    'service.instance.id': identity.runtimeId,
    'deployment.environment.name': 'prod',
    'process.pid': 4242n,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': '24.21.0',
    'host.name': 'web-1',
    'vcs.ref.head.revision': 'f00d',
    'vcs.repository.url.full': 'https://example.com/shop',
    team: 'checkout',
    'a\nb': 'line\nend',
    'lone\ufffd': '\ufffd',
    ['x'.repeat(300)]: 'v'.repeat(300),
  });
});

test('labels are attributes, and a span is a link', async (t) => {
  const { receiver, exporter } = await otlp(t);
  const [sample] = wallSamples(1, 1, START) as [GivenSample];
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const labels = [
    { 'span id': 0x1234n, 'trace id': trace, 'trace endpoint': 'GET /', size: -7n, 'local root span id': 9n },
    { 'span id': BigInt.asIntN(64, 0xfedcba9876543210n), 'os thread id': 'NA', 'thread id': 'NA' },
    { 'a b': '1', 'a.b': '2', '\n': '\ud800', long: 'x'.repeat(70_000) },
  ];
  await sendUpload(exporter, givenUpload([wall(labels.map((own) => ({ ...sample, labels: own })))]));
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    receiver.received[0]?.profiles[0]?.samples.map(({ traceId, spanId, attributes }) => [
      traceId,
      spanId,
      Object.fromEntries(attributes),
    ]),
    [
      [trace, '0000000000001234', { 'thread.name': 'Main Event Loop', 'trace.endpoint': 'GET /', size: -7n }],
      ['0'.repeat(32), 'fedcba9876543210', { 'thread.name': 'Main Event Loop' }],
      ['', '', { 'thread.name': 'Main Event Loop', 'a.b': '1', '\n': '\ufffd', long: 'x'.repeat(70_000) }],
    ],
  );
});

test('nothing is sent for nothing, one sample for one, and 20,000 for 20,000', async (t) => {
  for (const timeline of [false, true]) {
    const { receiver, exporter } = await otlp(t, {}, { timeline });
    const [zero] = wallSamples(1, 1, START) as [GivenSample];
    for (const samples of [[], [{ ...zero, values: [0, 0, 0] }]]) {
      t.deepEqual(await exporter.requests(givenUpload([wall(samples)])), []);
    }
    t.deepEqual(await exporter.requests(givenUpload([{ name: 'x.json', data: Buffer.from('{}') }])), []);
    // Its CPU time is zero, so there is no profile of that.
    await sendUpload(exporter, givenUpload([wall([zero])]));
    t.deepEqual(
      receiver.received[0]?.profiles.map(({ type }) => type),
      ['sample/count', 'wall/nanoseconds'],
    );
    const samples = wallSamples(20_011, 1009, START);
    await sendUpload(exporter, givenUpload([wall(samples)]));
    t.deepEqual(receiver.violations, []);
    t.is(receiver.totals.get('wall/nanoseconds'), sumOf(samples, 1) + BigInt(zero.values[1] ?? 0));
    t.is(receiver.totals.get('cpu/nanoseconds'), sumOf(samples, 2));
  }
});

test('no name of a program makes a profile invalid, and values beyond 2^53 stay exact', async (t) => {
  const { receiver, exporter } = await otlp(t);
  const names = ['\n', '\ud800', 'x'.repeat(300), ',;{}"\\', '__proto__', '', '🔥'];
  const samples = names.map((name, index) => ({
    values: [1, 2n ** 53n + BigInt(index), 0],
    stack: index === 5 ? [] : [{ name, file: name }],
  }));
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  t.is(receiver.totals.get('wall/nanoseconds'), sumOf(samples, 1));
  t.deepEqual(
    receiver.received[0]?.profiles[0]?.samples.map(({ stack }) => stack),
    names.map((name, index) => (index === 5 ? [] : [Buffer.from(`${name}:0 ${name}`).toString()])),
  );
});

test('each attachment is a request, with types that all receivers take', async (t) => {
  const { receiver, exporter } = await otlp(t);
  const stack = [{ name: 'f', file: '/srv/a.js' }];
  const exceptions = encodeProfile([['exception-samples', 'count']], [{ values: [11], stack }]);
  const upload = givenUpload([
    wall(wallSamples(3, 1, START)),
    { name: 'exceptions.pprof', data: exceptions },
  ]);
  const sent = await sendUpload(exporter, upload);
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    sent.map(({ request }) => request.part),
    ['wall', 'exceptions'],
  );
  t.is(receiver.totals.get('exception_samples/count'), 11n);
  // It says neither when nor how often: the upload does, and one in a sample.
  const [profile] = receiver.received[1]?.profiles ?? [];
  t.deepEqual(
    [profile?.time, profile?.duration, profile?.period, profile?.periodType],
    [upload.start, upload.end - upload.start, 1n, 'exception_samples/count'],
  );
  // The same upload is the same profile at any time.
  const ids = (): string[] => receiver.received.flatMap(({ profiles }) => profiles.map(({ id }) => id));
  const before = ids();
  await sendUpload(exporter, upload);
  t.deepEqual(ids(), [...before, ...before]);
  t.is(new Set(before).size, 4);
});

test('an address is used as it is, or with the path of profiles', async (t) => {
  const { receiver, exporter } = await otlp(t, { path: '/api/default/v1/profiles' });
  const [lost] = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, START))]));
  t.is(lost?.verdict.kind, 'refused');
  const profilesEndpoint = `${receiver.url}/api/default/v1/profiles?stream=x`;
  const exact = new OtlpExporter({ endpoint: 'http://nowhere', profilesEndpoint });
  const [sent] = await sendUpload(exact, givenUpload([wall(wallSamples(3, 1, START))]));
  t.is(sent?.verdict.kind, 'delivered');
  t.is(exact.destination, `${receiver.url}/api/default/v1/profiles`);
  const withPath = new OtlpExporter({ endpoint: 'https://user:pw@gateway/otlp/' });
  t.is(withPath.destination, 'https://gateway/otlp/v1development/profiles');
  t.throws(() => new OtlpExporter({}), { message: /OTEL_EXPORTER_OTLP_ENDPOINT is "".*http:\/\/host:port/ });
  t.throws(() => new OtlpExporter({ endpoint: 'http://a', headers: { 'a b': 'secret' } }), {
    message: /^OTEL_EXPORTER_OTLP_HEADERS has "a b"(?!.*secret)/,
  });
  t.throws(() => new OtlpExporter({ endpoint: 'http://a', headers: { a: 'b\n' } }), {
    message: /name=value/,
  });
});

test('headers are sent, and none of them changes what the body is', async (t) => {
  const headers = { Authorization: 'Bearer t0ken', 'Content-Type': 'text/plain' };
  const { receiver, exporter } = await otlp(t, { headers: { authorization: 'Bearer t0ken' } }, { headers });
  const [sent] = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, START))]));
  t.is(sent?.verdict.kind, 'delivered');
  t.deepEqual(receiver.violations, []);
  t.is(receiver.received[0]?.headers['content-encoding'], 'gzip');
  const nobody = new OtlpExporter({ endpoint: receiver.url });
  const [refused] = await sendUpload(nobody, givenUpload([wall(wallSamples(3, 1, START))]));
  t.regex(JSON.stringify(refused?.verdict), /refused.*authorization is missing.*OTEL_EXPORTER_OTLP_HEADERS/);
});

test('what a receiver left out is told, and not sent again', async (t) => {
  for (const rejected of [2, 300]) {
    const partialSuccess = { rejected, message: `only so many ${'x'.repeat(rejected)}` };
    const { exporter } = await otlp(t, { partialSuccess });
    const [sent] = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, START))]));
    t.is(sent?.verdict.kind, 'delivered');
    t.regex(JSON.stringify(sent?.verdict), new RegExp(`"${rejected} profiles not taken: .*only so many x+`));
  }
  const exporter = new OtlpExporter({ endpoint: 'http://localhost:4318' });
  const cut = Buffer.from('\x0a\x0d\x08\x02\x12\x09only so');
  t.deepEqual(
    exporter.judge({ status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: cut }),
    {
      kind: 'delivered',
      notice: 'some profiles not taken: only so',
    },
  );
  const json = (body: string) =>
    exporter.judge({ status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) });
  t.deepEqual(json('{"partialSuccess":{"rejectedProfiles":"3","errorMessage":"no"}}'), {
    kind: 'delivered',
    notice: '3 profiles not taken: no',
  });
  t.deepEqual(exporter.judge({ status: 200, headers: {}, body: Buffer.from(' {}\n') }), {
    kind: 'delivered',
  });
  for (const body of [
    'null',
    '{"partialSuccess":{"rejectedProfiles":{"a":1}}}',
    '{"partialSuccess":',
    '{"partialSuccess":{"rejectedProfiles":-1}}',
  ]) {
    t.deepEqual(json(body), { kind: 'delivered', notice: `something that cannot be read: ${body}` });
  }
  t.deepEqual(json('{"partialSuccess":{"errorMessage":{"toString":1}}}'), { kind: 'delivered' });
  t.deepEqual(json('{"partialSuccess":null}'), { kind: 'delivered' });
  t.deepEqual(json('{"partialSuccess":{}}'), { kind: 'delivered' });
  t.deepEqual(json('{"partialSuccess":{"errorMessage":"deprecated"}}'), {
    kind: 'delivered',
    notice: 'deprecated',
  });
});

for (const rejected of [1, 3]) {
  test(`an upload of which a receiver rejects ${rejected} of 3 profiles counts as refused, and is not sent again`, async (t) => {
    const { exporter, receiver } = await otlp(t, { partialSuccess: { rejected, message: 'over the quota' } });
    const sender = givenProcess(t, { exporters: [exporter], root: temporaryFolder(t) });
    sender.take(0, 1);
    await sender.untilSent();
    t.is(receiver.received.length, 2);
    t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_refused: 2 });
    t.deepEqual(sender.spool?.own(), []);
    t.is(sender.lines.length, 1, sender.lines.join('\n'));
    const what = rejected < 3 ? 'a part of a profile' : 'a profile';
    t.regex(
      sender.lines[0] ?? '',
      new RegExp(`refuses ${what}: ${rejected} of 3 profiles not taken: over the quota`),
    );
  });
}

test('each status has one meaning', (t) => {
  const exporter = new OtlpExporter({ endpoint: 'http://localhost:4318' });
  const verdictOf = (status: number, body = '', headers: Record<string, string> = {}): string => {
    const verdict = exporter.judge({ status, headers, body: Buffer.from(body) });
    return [
      verdict.kind,
      'afterMilliseconds' in verdict ? verdict.afterMilliseconds : '',
      'reason' in verdict ? verdict.reason : '',
      'remedy' in verdict ? verdict.remedy : '',
    ].join('|');
  };
  t.regex(verdictOf(429, '', { 'retry-after': '3' }), /^retry\|3000\|/);
  const soon = new Date(Date.now() + 10_000).toUTCString();
  const [, after] = verdictOf(503, '', { 'retry-after': soon }).split('|');
  t.true(Number(after) > 0 && Number(after) <= 10_000, after ?? '');
  for (const status of [408, 500, 501, 502, 503, 504, 505, 507, 520, 599]) {
    t.regex(verdictOf(status), /^retry\|\|the receiver cannot take it now/);
  }
  for (const status of [302, 405, 410, 418, 425, 451]) t.regex(verdictOf(status), /^refused/);
  t.regex(verdictOf(404), /^refused.*\|.*--feature-gates=\+service\.profilesSupport/);
  t.regex(verdictOf(415), /^refused.*\|.*application\/x-protobuf/);
  t.regex(verdictOf(413), /^too-large/);
  t.regex(verdictOf(401), /^refused.*OTEL_EXPORTER_OTLP_HEADERS/);
  t.regex(
    verdictOf(400, '\u0012\u0009no period', { 'content-type': 'application/x-protobuf' }),
    /^refused\|\|[^|]*: 400 \(no period\)\|/,
  );
  t.regex(verdictOf(400, '{"message":"no"}', { 'content-type': 'application/json' }), /400 \(no\)/);
});

test('a Collector without profiles is told by the name of its switch', async (t) => {
  const { exporter } = await otlp(t, { withoutProfiles: true });
  const [sent] = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, START))]));
  t.regex(JSON.stringify(sent?.verdict), /404 \(404 page not found\).*service\.profilesSupport/);
});

test('a file that is no profile is told by its name', async (t) => {
  const exporter = new OtlpExporter({ endpoint: 'http://localhost:4318' });
  const upload = givenUpload([{ name: 'wall.pprof', data: Buffer.from('nonsense') }]);
  await t.throwsAsync(exporter.requests(upload), { message: /^wall\.pprof is not a profile: / });
});
