import test, { type ExecutionContext } from 'ava';
import { PyroscopeExporter, type PyroscopeOptions } from '#src/upload/exporters/pyroscope.js';
import type { Attachment, Identity } from '#src/upload/upload.js';
import { encodeProfile, type GivenSample } from '../support/build-profile.js';
import { givenIdentity, givenUpload } from '../support/build-upload.js';
import {
  type PyroscopeReceiver,
  type PyroscopeOptions as ReceiverOptions,
  startPyroscopeReceiver,
} from '../support/receivers/pyroscope.js';
import { sendUpload } from '../support/send.js';
import { frameOf, sumOf, sumsBy, WALL_TYPES, wallSamples } from '../support/truth.js';

const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const WALL = 'wall:wall:nanoseconds:wall:nanoseconds';
const CPU = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

function wall(samples: GivenSample[], start = START): Attachment {
  const period = { start, durationNanoseconds: 60_000_000_000n, period: 10_101_010 };
  return { name: 'wall.pprof', data: encodeProfile(WALL_TYPES, samples, period) };
}

async function pyroscope(
  t: ExecutionContext,
  receiver: ReceiverOptions = {},
  exporter: Partial<PyroscopeOptions> = {},
): Promise<{ receiver: PyroscopeReceiver; exporter: PyroscopeExporter }> {
  const server = await startPyroscopeReceiver(receiver);
  t.teardown(server.close);
  return { receiver: server, exporter: new PyroscopeExporter({ serverAddress: server.url, ...exporter }) };
}

test('all that was sampled arrives, by type, stack and thread, in one request a type', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const samples = wallSamples(1009, 97, START);
  const sent = await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(
    sent.map(({ request, verdict }) => [request.part, verdict.kind]),
    [
      ['wall', 'delivered'],
      ['process_cpu', 'delivered'],
    ],
  );
  t.deepEqual(receiver.violations, []);
  const used = (sample: GivenSample): boolean => sample.values[2] !== 0;
  t.deepEqual(
    receiver.totals,
    new Map([
      [WALL, sumOf(samples, 1)],
      ['wall:samples:count:wall:nanoseconds', sumOf(samples, 0)],
      [CPU, sumOf(samples, 2)],
      ['process_cpu:samples:count:cpu:nanoseconds', sumOf(samples, 0, used)],
    ]),
  );
  for (const [index, column] of [1, 2].entries()) {
    t.deepEqual(
      sumsBy(
        receiver.received[index]?.profile.samples ?? [],
        ({ stack, labels }) => `${stack.join(';')} ${labels.get('thread_name')}`,
        ({ values }) => values[0] as bigint,
      ),
      sumsBy(
        samples,
        ({ stack, thread }) => `${stack.map(frameOf).join(';')} ${thread}`,
        ({ values }) => BigInt(values[column] as number),
      ),
    );
  }
  const [first] = receiver.received;
  t.is(first?.profile.timeNanos, START);
  t.is(first?.profile.durationNanos, 60_000_000_000n);
  t.is(first?.profile.period, 10_101_010n);
});

test('equal samples are one, without times, ids and numbers', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const labels = (index: number): Record<string, string | bigint> => ({
    'async id': BigInt(index),
    'local root span id': 17n,
    size: BigInt(index),
    'exception message': `message ${index}`,
  });
  const samples = wallSamples(1009, 7, START).map((sample, index) => ({
    ...sample,
    labels: { ...sample.labels, ...labels(index) },
  }));
  await sendUpload(exporter, givenUpload([wall(samples)]));
  const [received] = receiver.received;
  t.deepEqual(
    [...new Set(received?.profile.samples.flatMap((sample) => [...sample.labels.keys()]))],
    ['thread_name'],
  );
  // 7 stacks with and without the native leaf, on 3 threads.
  t.is(received?.profile.samples.length, 7 * 2 * 3);
  t.is(receiver.totals.get(WALL), sumOf(samples, 1));
});

test('the labels of the series tell what the process is', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const identity = givenIdentity({
    gitCommitSha: 'f00d',
    gitRepositoryUrl: 'https://example.com/shop',
    tags: [
      ['team', 'checkout'],
      ['env', 'of a tag'],
      ['k8s.pod-name', 'web-1'],
      ['__secret', 'x'],
      ['1st', 'y'],
      ['span_id', 'z'],
    ],
  });
  await sendUpload(exporter, givenUpload([wall(wallSamples(1, 1, START))], { identity }));
  t.deepEqual(Object.fromEntries(receiver.received[0]?.labels ?? []), {
    __name__: 'wall',
    service_name: 'shop',
    pyroscope_spy: 'nodespy',
    env: 'prod',
    version: '1.4.2',
    host: 'web-1',
    service_git_ref: 'f00d',
    service_repository: 'https://example.com/shop',
    team: 'checkout',
    k8s_pod_name: 'web-1',
    _secret: 'x',
    _1st: 'y',
  });
  const named = await pyroscope(t, {}, { applicationName: 'front' });
  await sendUpload(named.exporter, givenUpload([wall(wallSamples(1, 1, START))]));
  t.is(named.receiver.received[0]?.labels.get('service_name'), 'front');
});

test('a span is 16 digits, also from the highest bit, and a trace 32', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const [sample] = wallSamples(1, 1, START) as [GivenSample];
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const labelled = (labels: GivenSample['labels']): GivenSample => ({ ...sample, ...(labels && { labels }) });
  const samples = [
    labelled({ 'span id': 0x1234n, 'trace id': trace }),
    labelled({ 'span id': BigInt.asIntN(64, 0xfedcba9876543210n) }),
    labelled({ 'span id': 'nonsense', span_id: 'mine', profile_id: 'mine' }),
  ];
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    receiver.received[0]?.profile.samples.map(({ labels }) => Object.fromEntries(labels)),
    [
      { span_id: '0000000000001234', trace_id: trace, thread_name: 'Main Event Loop' },
      { span_id: 'fedcba9876543210', thread_name: 'Main Event Loop' },
      { thread_name: 'Main Event Loop' },
    ],
  );
});

test('more than 16,000 samples are divided, and their sums are the same', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const samples = wallSamples(20_011, 20_011, START).map((sample) => ({
    ...sample,
    stack: sample.stack.slice(2),
  }));
  const upload = givenUpload([wall(samples)]);
  const sent = await sendUpload(exporter, upload);
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    sent.map(({ request }) => request.part),
    ['wall', 'wall.2', 'process_cpu'],
  );
  t.is(receiver.totals.get(WALL), sumOf(samples, 1));
  t.is(receiver.totals.get(CPU), sumOf(samples, 2));
  t.deepEqual(
    receiver.received.map(({ profile }) => profile.samples.length),
    [16_000, 4_011, samples.filter(({ values }) => values[2] !== 0).length],
  );
  const again = await exporter.requests(upload);
  t.deepEqual(
    again.map(({ part, body }) => [part, body.length]),
    sent.map(({ request }) => [request.part, request.body.length]),
  );
});

test('no profile is larger than the bucket of bytes, and the sums are the same', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  // 2,003 stacks of 1,200 bytes and more of text.
  const samples = wallSamples(2003, 2003, START).map((sample, index) => ({
    ...sample,
    stack: [1, 2, 3, 4].map((depth) => ({
      name: `${index} ${depth} ${'x'.repeat(300)}`,
      file: `/srv/${index}.js`,
    })),
  }));
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  t.true(receiver.received.filter(({ name }) => name === 'wall').length > 1);
  for (const { profile } of receiver.received) t.true(profile.bytes <= 2_000_000, `${profile.bytes} bytes`);
  t.is(receiver.totals.get(WALL), sumOf(samples, 1));
  t.is(receiver.totals.get(CPU), sumOf(samples, 2));
});

test('nothing is sent for nothing, and one sample for one', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const [sample] = wallSamples(2, 1, START).slice(1) as [GivenSample];
  const zeros = { ...sample, values: [0, 0, 0] };
  const json = { name: 'code-provenance.json', data: Buffer.from('{}') };
  for (const samples of [[], [zeros]]) {
    t.deepEqual(await exporter.requests(givenUpload([wall(samples), json])), []);
  }
  await sendUpload(exporter, givenUpload([wall([zeros, sample])]));
  t.deepEqual(receiver.violations, []);
  t.is(receiver.totals.get(CPU), BigInt(sample.values[2] ?? 0));
  t.is(receiver.received[0]?.profile.samples.length, 1);
});

test('a stack without frames and values beyond 2^53 stay exact', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const samples = [2n ** 53n + 1n, 2n ** 53n + 2n, 3n].map((value) => ({ values: [1, value, 0], stack: [] }));
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  t.is(receiver.totals.get(WALL), 2n ** 54n + 6n);
});

test('other profiles have the names by which the page knows them', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const stack = [{ name: 'f', file: '/srv/a.js' }];
  const file = (name: string, types: string[], values: number[]): Attachment => {
    const units = types.map((type): [string, string] => [
      type,
      /space/.test(type) ? 'bytes' : /wait|hold|timeline/.test(type) ? 'nanoseconds' : 'count',
    ]);
    const labels = { 'exception type': 'RangeError', 'lock name': 'a.js:7', event: 'gc' };
    const period = { start: START, durationNanoseconds: 60_000_000_000n, period: 17 };
    return { name, data: encodeProfile(units, [{ values, stack, labels }], period) };
  };
  const sent = await sendUpload(
    exporter,
    givenUpload([
      file('space.pprof', ['inuse_objects', 'alloc_objects', 'inuse_space', 'alloc_space'], [2, 3, 5, 7]),
      file('exceptions.pprof', ['exception-samples'], [11]),
      file(
        'locks.pprof',
        ['lock-acquire', 'lock-acquire-wait', 'lock-release', 'lock-release-hold'],
        [13, 17, 19, 23],
      ),
      file('events.pprof', ['timeline'], [29]),
      file('later.pprof', ['new-type', 'sample'], [31, 37]),
    ]),
  );
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    sent.map(({ request }) => request.part),
    ['memory', 'exception', 'mutex', 'lock_hold', 'new_type'],
  );
  t.deepEqual(Object.fromEntries(receiver.totals), {
    'memory:inuse_objects:count:space:bytes': 2n,
    'memory:inuse_space:bytes:space:bytes': 5n,
    'memory:alloc_objects:count:space:bytes': 3n,
    'memory:alloc_space:bytes:space:bytes': 7n,
    'exception:exception:count:cpu:nanoseconds': 11n,
    'mutex:contentions:count:contentions:count': 13n,
    'mutex:delay:nanoseconds:contentions:count': 17n,
    'lock_hold:lock_hold_count:count:lock_hold_count:count': 19n,
    'lock_hold:lock_hold_time:nanoseconds:lock_hold_count:count': 23n,
    'new_type:new_type:count:new_type:count': 31n,
    'new_type:samples:count:new_type:count': 37n,
  });
  const labels = receiver.received[1]?.profile.samples[0]?.labels;
  t.is(labels?.get('exception_type'), 'RangeError');
  t.is(labels?.get('lock_name'), 'a.js:7');
});

test('the hundred endpoints with the most samples keep their names', async (t) => {
  const { receiver, exporter } = await pyroscope(t);
  const [sample] = wallSamples(1, 1, START) as [GivenSample];
  // Endpoint n has n + 1 samples.
  const samples = Array.from({ length: 107 }, (_, endpoint) =>
    Array.from({ length: endpoint + 1 }, () => ({
      ...sample,
      labels: { 'trace endpoint': `GET /${endpoint}` },
    })),
  ).flat();
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  const sums = sumsBy(
    receiver.received[0]?.profile.samples ?? [],
    ({ labels }) => String(labels.get('endpoint')),
    ({ values }) => values[1] as bigint,
  );
  t.is(sums.size, 101);
  t.is(sums.get('other'), BigInt(1 + 2 + 3 + 4 + 5 + 6 + 7));
  t.is(sums.get('GET /106'), 107n);
  t.is(receiver.totals.get(WALL), sumOf(samples, 1));
});

const LONE = '\ud800';
const HOSTILE: Identity['tags'] = [
  ['a\nb', 'line\nend'],
  [`lone${LONE}`, `value${LONE}`],
  ['x'.repeat(300), 'v'.repeat(300)],
  ['long', 'ü'.repeat(3000)],
  ['brace}', 'a},{b=c,d'],
  ['名前', '値'],
  ['', 'no key'],
  ['empty', ''],
  ['__name__', 'mine'],
  ...Array.from({ length: 40 }, (_, index): [string, string] => [`tag${index}`, String(index)]),
];

for (const push of [true, false]) {
  test(`no name, tag or label of a program makes a profile invalid, by ${push ? 'push' : 'ingest'}`, async (t) => {
    const { receiver, exporter } = await pyroscope(t, { push });
    const identity = givenIdentity({ service: `sh,op{${LONE} ü}`, tags: HOSTILE });
    const labels = Object.fromEntries([
      ...HOSTILE.map(([key, value]) => [`of sample ${key}`, `${value}!`]),
      ['trace endpoint', `GET /${'x'.repeat(5000)}\n`],
      ['env', 'of a sample'],
    ]);
    const names = ['\n', LONE, 'x'.repeat(300), ',;{}"\\', '__proto__', '', '🔥'];
    const samples = wallSamples(names.length, 1, START).map((sample, index) => ({
      ...sample,
      stack: [{ name: names[index] as string, file: names[index] as string }],
      labels,
    }));
    const sent = await sendUpload(exporter, givenUpload([wall(samples)], { identity }));
    t.deepEqual(receiver.violations, []);
    t.is(sent.at(-1)?.verdict.kind, 'delivered');
    t.is(receiver.totals.get(WALL), sumOf(samples, 1));
    t.is(receiver.totals.get(CPU), sumOf(samples, 2));
    for (const series of receiver.series) t.true((JSON.parse(series) as unknown[]).length <= 31);
    const [received] = receiver.received;
    t.is(received?.labels.get('a_b'), push ? 'line\nend' : 'line_end');
    t.true(received?.profile.samples[0]?.labels.has('endpoint'));
    t.deepEqual(
      new Set(received?.profile.samples.map(({ stack }) => stack[0])),
      new Set(names.map((name) => Buffer.from(`${name}:0 ${name}`).toString())),
    );
  });
}

test('a server without a push API gets it by ingest, and is not asked again', async (t) => {
  const { receiver, exporter } = await pyroscope(t, { push: false, basePath: '/gateway/pyroscope' });
  const samples = wallSamples(211, 11, START);
  const sent = await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(
    sent.map(({ verdict }) => verdict.kind),
    ['otherwise', 'delivered', 'delivered'],
  );
  await sendUpload(exporter, givenUpload([wall(samples)]));
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    receiver.attempts.map(({ path }) => path.split('?')[0]),
    ['/gateway/pyroscope/push.v1.PusherService/Push', ...Array(4).fill('/gateway/pyroscope/ingest')],
  );
  t.is(receiver.totals.get(WALL), 2n * sumOf(samples, 1));
  t.is(receiver.totals.get(CPU), 2n * sumOf(samples, 2));
  t.is(receiver.received[0]?.labels.get('service_name'), 'shop');
  t.is(receiver.received[0]?.labels.get('team'), 'checkout');
});

test('the parts of an upload have the same names by push and by ingest', async (t) => {
  const { exporter } = await pyroscope(t, { push: false });
  const upload = givenUpload([wall(wallSamples(211, 11, START))]);
  const parts = async (): Promise<string[]> => (await exporter.requests(upload)).map(({ part }) => part);
  const before = await parts();
  t.is(exporter.judge({ status: 501, headers: {}, body: Buffer.alloc(0) }).kind, 'otherwise');
  t.deepEqual(await parts(), before);
});

test('who sends is told as the server wants it', async (t) => {
  const basic = `Basic ${Buffer.from('user:pass:wörd').toString('base64')}`;
  const cases: [ReceiverOptions, Partial<PyroscopeOptions>][] = [
    [{ authorization: 'Bearer t0ken' }, { authToken: 't0ken' }],
    [{ authorization: basic }, { basicAuthUser: 'user', basicAuthPassword: 'pass:wörd' }],
    [{ multitenancy: true }, { tenantId: "team-1!_.*'()" }],
  ];
  for (const [receiverOptions, options] of cases) {
    const { receiver, exporter } = await pyroscope(t, receiverOptions, options);
    const sent = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, START))]));
    t.is(sent[0]?.verdict.kind, 'delivered');
    t.deepEqual(receiver.violations, []);
    // Without them it is refused, with what to set.
    const nobody = new PyroscopeExporter({ serverAddress: receiver.url });
    const [refused] = await sendUpload(nobody, givenUpload([wall(wallSamples(3, 1, START))]));
    t.is(refused?.verdict.kind, 'refused');
    t.regex(JSON.stringify(refused?.verdict), /PYROSCOPE_AUTH_TOKEN/);
  }
  const address = 'http://user:pass%3Aw%C3%B6rd@127.0.0.1:4040/path/';
  const exporter = new PyroscopeExporter({ serverAddress: address, tenantId: 'a' });
  t.is(exporter.destination, 'http://127.0.0.1:4040/path (tenant a)');
  const [request] = await exporter.requests(givenUpload([wall(wallSamples(3, 1, START))]));
  t.is(request?.headers.Authorization, basic);
  t.is(request?.url, 'http://127.0.0.1:4040/path/push.v1.PusherService/Push');
});

test('what cannot be an address, tenant or token is told at once', (t) => {
  const make = (options: Partial<PyroscopeOptions>) => () =>
    new PyroscopeExporter({ serverAddress: 'http://localhost:4040', ...options });
  t.throws(make({ serverAddress: 'localhost' }), {
    message:
      'PYROSCOPE_SERVER_ADDRESS is "localhost", which is no address of a server. Write it as http://host:port or https://host',
  });
  t.throws(make({ serverAddress: 'ftp://u:secret@host' }), { message: /^(?!.*secret)/ });
  t.throws(make({ serverAddress: 'u:secret@host' }), { message: /^(?!.*secret)/ });
  t.throws(make({ tenantId: 'a|b' }), { message: /tenant "a\|b".*takes up to 150 letters/ });
  t.throws(make({ tenantId: 'x'.repeat(151) }), { message: /tenant/ });
  t.throws(make({ authToken: 'secret\n' }), { message: /^the token has characters(?!.*secret)/ });
});

test('a profile older than an hour is refused with the reason', async (t) => {
  const { exporter } = await pyroscope(t);
  const old = START - 2n * 3_600_000_000_000n;
  const [sent] = await sendUpload(exporter, givenUpload([wall(wallSamples(3, 1, old), old)]));
  t.deepEqual(sent?.verdict.kind, 'refused');
  t.regex(JSON.stringify(sent?.verdict), /older than Pyroscope takes.*ingestion window.*reject_older_than/);
});

test('each status has one meaning', (t) => {
  const verdictOf = (status: number, body = '', headers = {}, ingest = false): string => {
    const exporter = new PyroscopeExporter({ serverAddress: 'http://localhost:4040' });
    if (ingest) exporter.judge({ status: 404, headers: {}, body: Buffer.alloc(0) });
    const verdict = exporter.judge({ status, headers, body: Buffer.from(body) });
    return [
      verdict.kind,
      'afterMilliseconds' in verdict ? verdict.afterMilliseconds : '',
      'reason' in verdict ? verdict.reason : '',
      'remedy' in verdict ? verdict.remedy : '',
    ].join('|');
  };
  const error = (message: string): string => JSON.stringify({ code: 'invalid_argument', message });
  t.is(verdictOf(200), 'delivered|||');
  t.regex(verdictOf(401, error('no')), /^refused\|\|.*401 \(no\)\|Check PYROSCOPE_AUTH_TOKEN/);
  t.regex(verdictOf(403), /^refused\|\|.*403\|The credentials are known/);
  t.regex(verdictOf(404), /^otherwise\|\|.*no push API/);
  t.regex(verdictOf(501), /^otherwise/);
  t.regex(verdictOf(404, '', {}, true), /^refused\|\|there is no Pyroscope.*PYROSCOPE_SERVER_ADDRESS/);
  t.regex(verdictOf(413), /^too-large/);
  t.regex(verdictOf(429, '', { 'retry-after': '7' }), /^retry\|7000\|/);
  t.regex(verdictOf(503, '', { 'retry-after': 'soon' }), /^retry\|\|/);
  for (const status of [408, 500, 502, 503, 504, 505, 507, 520, 599]) {
    for (const ingest of [false, true]) t.regex(verdictOf(status, '', {}, ingest), /^retry\|\|/);
  }
  t.regex(verdictOf(501, '', {}, true), /^retry\|\|Pyroscope cannot take it now/);
  t.regex(
    verdictOf(302, '', { location: 'https://x' }),
    /^refused\|\|.*302 \(https:\/\/x\)\|Set PYROSCOPE_SERVER/,
  );
  for (const status of [410, 418, 425]) t.regex(verdictOf(status), /^refused/);
  t.regex(verdictOf(400, error('has 31 label names; limit 30')), /^refused.*\|Give the service fewer/);
  t.regex(
    verdictOf(422, error('exceeds the size limit (max_profile_size_byte, actual: 2, limit: 1)'), {}, true),
    /^too-large/,
  );
  const page = verdictOf(400, `<html>\n\u001b[31m${'x'.repeat(999)}`);
  t.regex(page, /^refused\|\|[ -~]*400 \(<html> \[31mx+…\)/);
});

test('a file that is no profile is told by its name', async (t) => {
  const exporter = new PyroscopeExporter({ serverAddress: 'http://localhost:4040' });
  const whole = wall(wallSamples(101, 7, START)).data;
  for (const data of [Buffer.alloc(0), Buffer.from('nonsense'), whole.subarray(0, whole.length / 2)]) {
    await t.throwsAsync(exporter.requests(givenUpload([{ name: 'wall.pprof', data }])), {
      message: /^wall\.pprof is not a profile: /,
    });
  }
});
