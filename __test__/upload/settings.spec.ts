/** Variables of delivery do what docs/configuration.md says: from the environment of a process to what receivers get. */
import { randomUUID } from 'node:crypto';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { Logger } from '#src/log.js';
import { type Counters, counterMemory, sharedCounters } from '#src/upload/counters.js';
import { makeExporters } from '#src/upload/exporters/make.js';
import { makeSpoolFolder } from '#src/upload/seed.js';
import type { Station } from '#src/upload/station.js';
import type { ExporterName } from '#src/upload/upload.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { startOtlpReceiver } from '../support/receivers/otlp.js';
import { startPyroscopeReceiver } from '../support/receivers/pyroscope.js';
import { WALL_TYPES, wallSamples } from '../support/truth.js';
import { fates, givenSeed, givenStation, waiting } from './support/process.js';

const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const END = START + 60_000_000_000n;
const PERIOD = { start: START, durationNanoseconds: END - START, period: 10_101_010 };
const SAMPLES = wallSamples(31, 7, START);
const DATA = encodeProfile(WALL_TYPES, SAMPLES, PERIOD);

interface TestStation {
  station: Station;
  counters: Counters;
  /** What it has warned of. */
  warnings: string[];
  /** In the spool. */
  folder: string;
  /** Has the first profile of its process be sent. */
  send(): Promise<void>;
}

/** Delivery of a process with this environment. */
function stationOf(
  t: ExecutionContext,
  exporter: ExporterName,
  environment: Record<string, string>,
): TestStation {
  const seed = givenSeed({ runtimeId: randomUUID(), exporters: [exporter], environment });
  const root = temporaryFolder(t);
  const folder = makeSpoolFolder(root, seed);
  const counters = sharedCounters(counterMemory());
  const warnings: string[] = [];
  const ignore = (): void => undefined;
  const logger = new Logger('warn', {
    error: ignore,
    warn: (line) => warnings.push(line),
    info: ignore,
    debug: ignore,
  });
  const station = givenStation(seed, { root, folder }, { counters, logger });
  t.teardown(() => {
    station.finishSync();
    station.close();
  });
  const send = (): Promise<void> => {
    station.take({ sequence: 0, start: START, end: END, reason: 'periodic', data: DATA, internal: {} });
    return station.rest();
  };
  return { station, counters, warnings, folder, send };
}

async function agent(t: ExecutionContext): Promise<DatadogReceiver> {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  return receiver;
}

/** What becomes of two profiles of a spool, of these ages in seconds and so many bytes each. */
async function fateOf(
  t: ExecutionContext,
  environment: Record<string, string>,
  ages: [older: number, younger: number],
  bytes: number,
): Promise<[sent: number[], fates: Record<string, number>]> {
  const receiver = await agent(t);
  const { station, counters, folder } = stationOf(t, 'datadog', {
    ...environment,
    DD_TRACE_AGENT_URL: receiver.url,
  });
  for (const [number, age] of ages.entries()) {
    const path = join(folder, `profile.${process.pid}.${number}.wall.pprof`);
    // Behind the end of a gzip file zeros are nothing.
    writeFileSync(path, Buffer.concat([DATA, Buffer.alloc(Math.max(0, bytes - DATA.length))]));
    const time = Date.now() / 1000 - age;
    utimesSync(path, time, time);
  }
  station.look();
  do await station.rest();
  while (waiting(counters) > 0);
  t.deepEqual(receiver.violations, []);
  return [receiver.received.map(({ tags }) => Number(tags.get('profile_seq'))), fates(counters)];
}

test('EVERFLAME_SPOOL_AGE says how long profiles wait', async (t) => {
  t.deepEqual(await fateOf(t, {}, [90, 30], 0), [[0, 1], { uploads_taken: 2, uploads_delivered: 2 }]);
  t.deepEqual(await fateOf(t, { EVERFLAME_SPOOL_AGE: '60' }, [90, 30], 0), [
    [1],
    { uploads_taken: 2, uploads_delivered: 1, uploads_expired: 1 },
  ]);
});

test('EVERFLAME_SPOOL_SIZE says how much the spool holds', async (t) => {
  t.deepEqual(await fateOf(t, {}, [90, 30], 600_000), [[0, 1], { uploads_taken: 2, uploads_delivered: 2 }]);
  t.deepEqual(await fateOf(t, { EVERFLAME_SPOOL_SIZE: '1M' }, [90, 30], 600_000), [
    [1],
    { uploads_taken: 2, uploads_delivered: 1, uploads_evicted: 1 },
  ]);
});

test('DD_PROFILING_UPLOAD_TIMEOUT says how long an upload is tried again before it waits for the next period', async (t) => {
  const attemptsOf = async (environment: Record<string, string>): Promise<DatadogReceiver['attempts']> => {
    const receiver = await agent(t);
    receiver.faults.always({ kind: 'status', status: 503 });
    await stationOf(t, 'datadog', { ...environment, DD_TRACE_AGENT_URL: receiver.url }).send();
    return receiver.attempts;
  };
  const never = await attemptsOf({ DD_PROFILING_UPLOAD_TIMEOUT: '0' });
  const usual = await attemptsOf({});
  // A second at most; half of a period, which is the least where it is not tried again, is thirty.
  while (usual.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(never.length, 1);
});

test('PYROSCOPE_… name the server, the application and the tenant', async (t) => {
  const receiver = await startPyroscopeReceiver({ multitenancy: true });
  t.teardown(receiver.close);
  const environment = {
    PYROSCOPE_ADHOC_SERVER_ADDRESS: receiver.url,
    PYROSCOPE_SERVER_ADDRESS: 'http://127.0.0.1:9',
    PYROSCOPE_APPLICATION_NAME: 'cart',
    PYROSCOPE_TENANT_ID: 'team-1',
  };
  await stationOf(t, 'pyroscope', environment).send();
  await stationOf(t, 'pyroscope', { ...environment, DD_SERVICE: 'shop' }).send();
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    [...new Set(receiver.received.map(({ labels }) => labels.get('service_name')))],
    ['cart', 'shop'],
  );
  t.deepEqual([...new Set(receiver.received.map(({ headers }) => headers['x-scope-orgid']))], ['team-1']);
});

test('EVERFLAME_OTLP_TIMELINE of samples without their time is told', (t) => {
  for (const timeline of [true, false]) {
    const seed = givenSeed({
      exporters: ['otlp'],
      environment: { EVERFLAME_OTLP_TIMELINE: '1' },
      settings: { timeline },
    });
    const { warnings } = makeExporters(seed, resolveDelivery({}, seed.environment).configuration);
    t.regex(warnings.join(), timeline ? /^$/ : /^EVERFLAME_OTLP_TIMELINE is on, and has no effect/);
  }
});

test('EVERFLAME_OTLP_TIMELINE gives each value its time', async (t) => {
  for (const timeline of ['true', '']) {
    const receiver = await startOtlpReceiver();
    t.teardown(receiver.close);
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, EVERFLAME_OTLP_TIMELINE: timeline };
    await stationOf(t, 'otlp', environment).send();
    t.deepEqual(receiver.violations, []);
    const times = receiver.received.flatMap(({ profiles }) =>
      profiles.flatMap(({ samples }) => samples.flatMap((sample) => sample.times)),
    );
    const values = SAMPLES.flatMap((sample) => sample.values.filter((value) => value !== 0));
    t.is(times.length, timeline ? values.length : 0);
  }
});

test('env and version are tags as those of DD_TAGS are', async (t) => {
  const sent = async (
    environment: Record<string, string>,
  ): Promise<[tags: unknown[], warnings: string[]]> => {
    const receiver = await agent(t);
    const { send, warnings } = stationOf(t, 'datadog', { ...environment, DD_TRACE_AGENT_URL: receiver.url });
    await send();
    t.deepEqual(receiver.violations, []);
    const tags = receiver.received[0]?.tags;
    return [[tags?.get('env'), tags?.get('version')], warnings];
  };
  t.deepEqual(await sent({ DD_ENV: 'prod\r\nx', DD_VERSION: ' 1,2 ' }), [['prod__x', '1_2'], []]);
  const [tags, warnings] = await sent({ DD_ENV: 'prod:', DD_VERSION: ':', DD_TAGS: 'env:test' });
  t.deepEqual(tags, ['test', undefined]);
  t.deepEqual(warnings, [
    'everflame: DD_ENV is "prod:", which cannot be a tag, and is left out. Write it without a colon at its end.',
    'everflame: DD_VERSION is ":", which cannot be a tag, and is left out. Write it without a colon at its end.',
  ]);
});

test('credentials for Pyroscope that contradict each other, or are half of some, are told with what is used', async (t) => {
  const used = async (
    environment: Record<string, string>,
  ): Promise<[authorization: unknown, warnings: string[]]> => {
    const receiver = await startPyroscopeReceiver();
    t.teardown(receiver.close);
    const { send, warnings } = stationOf(t, 'pyroscope', {
      PYROSCOPE_SERVER_ADDRESS: receiver.url,
      ...environment,
    });
    await send();
    return [
      receiver.received[0]?.headers.authorization,
      warnings.map((line) => line.replace(/^everflame: /, '')),
    ];
  };
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
  const [token, user, password] = [
    { PYROSCOPE_AUTH_TOKEN: 't' },
    { PYROSCOPE_BASIC_AUTH_USER: 'u' },
    { PYROSCOPE_BASIC_AUTH_PASSWORD: 'p' },
  ];
  t.deepEqual(await used(token), ['Bearer t', []]);
  t.deepEqual(await used({ ...user, ...password }), [basic('u:p'), []]);
  const wins = (other: string) =>
    `PYROSCOPE_AUTH_TOKEN is set beside ${other}, and wins. Unset one of the two.`;
  t.deepEqual(await used({ ...token, ...user, ...password }), [
    'Bearer t',
    [wins('PYROSCOPE_BASIC_AUTH_USER')],
  ]);
  t.deepEqual(await used({ ...token, ...password }), ['Bearer t', [wins('PYROSCOPE_BASIC_AUTH_PASSWORD')]]);
  const [alone, halves] = await used(user);
  t.is(alone, basic('u:'));
  t.regex(halves.join(), /^PYROSCOPE_BASIC_AUTH_USER is set without PYROSCOPE_BASIC_AUTH_PASSWORD, so that/);
  const [none, without] = await used(password);
  t.is(none, undefined);
  t.regex(
    without.join(),
    /^PYROSCOPE_BASIC_AUTH_PASSWORD is set without PYROSCOPE_BASIC_AUTH_USER, and has no effect/,
  );
});

test('headers of OTLP that cannot be sent are left out, and the others go with each profile', async (t) => {
  const receiver = await startOtlpReceiver({ headers: { authorization: 'Bearer t0ken', tenant: 'a b' } });
  t.teardown(receiver.close);
  const { send, warnings, counters } = stationOf(t, 'otlp', {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS:
      'no equals, authorization=Bearer%20t0ken, a=%zz, b=%0d%0aX: s3cret, Content-Length=5, transfer-encoding=x, tenant=a%20b',
  });
  await send();
  t.deepEqual(receiver.violations, []);
  t.deepEqual(fates(counters), { uploads_taken: 1, uploads_delivered: 1 });
  t.deepEqual(
    warnings.map((line) => /header \d|has [\w-]+/.exec(line)?.[0]),
    ['header 1', 'header 3', 'header 4', 'has content-length', 'has transfer-encoding'],
  );
  t.false(warnings.join().includes('s3cret'));
});

test('where no exporter can be made of the settings, profiles are counted as lost', async (t) => {
  // Of letters that a tenant may have, and no tenant.
  const { send, warnings, counters } = stationOf(t, 'pyroscope', { PYROSCOPE_TENANT_ID: '..' });
  await send();
  t.regex(warnings.join(), /^everflame: nothing is sent by the exporter pyroscope: the tenant/);
  t.deepEqual(fates(counters), { uploads_taken: 1, uploads_lost: 1 });
});
