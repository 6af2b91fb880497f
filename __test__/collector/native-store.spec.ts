/** The store itself behind the collector: what only it and its facade decide. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { FolderStore } from '#src/collector/native-store.js';
import { parsed, type Upload } from '#src/collector/store.js';
import { Logger } from '#src/log.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { openCollector, until } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const TYPES: [string, string][] = [['cpu', 'nanoseconds']];
const NOW = BigInt(Date.now()) * 1_000_000n;
const MINUTE = 60_000_000_000n;

function profileOf(cpu: number, period = {}): Buffer {
  return encodeProfile(TYPES, [{ values: [cpu], stack: [{ name: 'work', file: '/app/work.js' }] }], period);
}

function uploadOf(cpu: number, start: bigint, end: bigint): Upload {
  const profiles: Upload['profiles'] = [{ name: 'wall.pprof', format: 'pprof', data: profileOf(cpu) }];
  return { service: 'shop', tags: [], start, end, client: 'test', profiles };
}

function openStore(t: ExecutionContext): { store: FolderStore; lines: string[] } {
  const lines: string[] = [];
  const say = (line: string): void => {
    lines.push(line);
  };
  const logger = new Logger('debug', { error: say, warn: say, info: say, debug: say });
  const store = FolderStore.open(join(temporaryFolder(t), 'store'), logger);
  t.teardown(() => store.close());
  return { store, lines };
}

const ALL = { service: 'shop', from: 0, to: Date.now() + 60_000, where: [] };

test('a time that cannot be takes no other upload with it', async (t) => {
  const { store } = openStore(t);
  const times: [start: bigint, end: bigint][] = [
    [NOW - MINUTE, NOW],
    [-62_135_596_800_000_000_000n, -62_135_596_800_000_000_000n + MINUTE],
    [NOW, 2n ** 63n],
    [2n ** 70n, 2n ** 70n + 1n],
    [NOW, NOW - 1n],
    [1n, NOW],
    [NOW - 2n * MINUTE, NOW - MINUTE],
  ];
  const kept = await store.ingest(times.map(([start, end], index) => uploadOf(2 ** index, start, end)));
  t.deepEqual(
    kept.map(({ profiles }) => profiles.map(({ state }) => state).join()),
    ['kept', 'refused', 'refused', 'refused', 'refused', 'refused', 'kept'],
  );
  for (const { profiles } of kept) {
    for (const { state, reason } of profiles) t.is(state === 'refused', reason !== undefined);
  }
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), { total: 1 + 64 });
});

test('over HTTP it is a fault of the client, and those beside it are kept', async (t) => {
  const { store } = openStore(t);
  const { ask } = await openCollector(t, { store });
  const at = (start: string, end: string, cpu: number) =>
    ask(AGENT, agentUpload({ 'wall.pprof': profileOf(cpu) }, { start, end }));
  const now = new Date().toISOString();
  const before = new Date(Date.now() - 60_000).toISOString();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      index % 10 === 3
        ? at('0001-01-01T00:00:00Z', '0001-01-01T00:01:00Z', 1000)
        : at(before, now, index + 1),
    ),
  );
  for (const [index, { status, text }] of answers.entries()) t.is(status, index % 10 === 3 ? 400 : 200, text);
  const others = answers.map((_, index) => (index % 10 === 3 ? 0 : index + 1));
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), {
    total: others.reduce((sum, one) => sum + one),
  });
});

test('a profile of such a time is set aside, and the inbox goes on', async (t) => {
  const { store } = openStore(t);
  const inbox = temporaryFolder(t);
  const now = { start: NOW - MINUTE, durationNanoseconds: MINUTE };
  const odd = { start: 2n ** 63n - 1n, durationNanoseconds: 2n ** 63n - 1n };
  for (let sequence = 0; sequence < 5; sequence++) {
    const data = sequence === 2 ? profileOf(100, odd) : profileOf(sequence + 1, now);
    writeFileSync(join(inbox, `profile.777.${sequence}.wall.pprof`), data);
  }
  await openCollector(t, { store, inbox });
  await until(() => !readdirSync(inbox).some((name) => name.endsWith('.pprof')), 'an inbox without profiles');
  t.true(existsSync(join(inbox, 'refused', 'profile.777.2.wall.pprof')));
  const { services } = await parsed<{ services: { name: string; profiles: number }[] }>(store.services());
  t.is(services[0]?.profiles, 4);
});

test('a series has as many points as can be shown', async (t) => {
  const { store } = openStore(t);
  await store.ingest([uploadOf(5, NOW - MINUTE, NOW)]);
  const { error, json } = await openCollector(t, { store });
  const to = Date.now();
  const range = `service=shop&from=${to - 3_600_000}&to=${to}`;
  t.regex(
    await error(`/api/v1/series?${range}&step=36`),
    /^400 step is 36, too short for this range\. Give 180 or more/,
  );
  t.regex(await error(`/api/v1/series?${range}&step=1000&by=env`), /^400 step is 1000, .*Give 1800 or more/);
  t.regex(await error(`/api/v1/series?${range}&step=60000&limit=201`), /^400 limit is "201"/);
  const { series } = (await json(`/api/v1/series?${range}&step=60000`)) as { series: { values: number[] }[] };
  t.is(Math.round(series[0]?.values.reduce((sum, one) => sum + one, 0) ?? 0), 5);
});

test('over HTTP an answer is what the store says, byte by byte', async (t) => {
  const { store } = openStore(t);
  await store.ingest([uploadOf(2 ** 53 - 1, NOW - MINUTE, NOW)]);
  const { ask } = await openCollector(t, { store });
  const range = `service=shop&from=${ALL.from}&to=${ALL.to}`;
  const step = ALL.to - ALL.from;
  const answers: [query: string, answer: Promise<Buffer>][] = [
    ['services', store.services()],
    [`labels?${range}`, store.labels(ALL)],
    [`series?${range}&step=${step}`, store.series(ALL, { step, limit: 10 })],
    [`table?${range}&by=function`, store.table(ALL, { by: 'function', limit: 1000 })],
    [`lines?${range}&file=/app/work.js`, store.lines(ALL, { file: '/app/work.js' })],
    [`profiles?${range}`, store.profiles(ALL, { limit: 1000 })],
  ];
  for (const [query, answer] of answers) {
    const { status, text, headers } = await ask(`/api/v1/${query}`);
    t.is(status, 200, text);
    t.is(headers['content-type'], 'application/json');
    t.is(text, (await answer).toString(), query);
  }
});

test('many other services are not all named', async (t) => {
  const { store } = openStore(t);
  await store.ingest(
    Array.from({ length: 30 }, (_, index) => ({
      ...uploadOf(1, NOW - MINUTE, NOW),
      service: `service ${String(index).padStart(2, '0')}`,
    })),
  );
  await t.throwsAsync(store.table({ ...ALL, service: 'nope' }, { by: 'function', limit: 1 }), {
    code: 'NOT_FOUND',
    message: /^no service "nope" in the store; there is service 00, .*service 09 and 20 more$/,
  });
});

const DAY = 24n * 60n * MINUTE;

test('what is told to be kept is there after the next tidying, and what would not be is refused', async (t) => {
  const { store } = openStore(t);
  const ages = [0n, 1n, 3n, 29n, 31n, 400n];
  const kept = await store.ingest(
    ages.map((days, index) => uploadOf(10 ** index, NOW - days * DAY - MINUTE, NOW - days * DAY)),
  );
  t.deepEqual(
    kept.map(({ profiles }) => profiles[0]?.state),
    ['kept', 'kept', 'kept', 'kept', 'refused', 'refused'],
  );
  t.regex(
    kept[4]?.profiles[0]?.reason ?? '',
    /^it is 31 days old, and nothing is kept here for more than 30: everflame view FILE shows one of any age$/,
  );
  await store.maintain();
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), { total: 1111 });
});

/** A profile that is so many bytes longer without compression, by a text that nothing names. */
function longProfile(cpu: number, more: number): Buffer {
  const length: number[] = [];
  for (let rest = more; rest > 0; rest = Math.floor(rest / 128))
    length.push((rest % 128) + (rest < 128 ? 0 : 128));
  // `string_table` is field 6.
  const text = Buffer.concat([Buffer.from([(6 << 3) | 2, ...length]), Buffer.alloc(more, 'x')]);
  return gzipSync(Buffer.concat([gunzipSync(profileOf(cpu)), text]), { level: 1 });
}

test('all profiles of an upload have 128 MiB together without compression', async (t) => {
  const { store } = openStore(t);
  const { ask } = await openCollector(t, { store });
  const [most, small] = [longProfile(1, 60 << 20), profileOf(3)];
  t.true(most.length < 1 << 20);
  const send = (...data: Buffer[]) =>
    ask(AGENT, agentUpload(Object.fromEntries(data.map((one, index) => [`${index}.pprof`, one]))));
  const two = await send(most, longProfile(2, 60 << 20), small);
  t.deepEqual([two.status, two.text], [200, '{}']);
  const three = await send(
    profileOf(5),
    longProfile(7, 60 << 20),
    longProfile(11, 60 << 20),
    most,
    profileOf(13),
  );
  t.is(three.status, 200);
  t.regex(
    three.text,
    /^\{"refused":"all profiles of its upload have more than 128 MiB after decompression: send fewer in one request"\}$/,
  );
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), { total: 1 + 2 + 3 + 5 + 7 + 11 });
});

test('all profiles of a push have 128 MiB together, whatever series they are of', async (t) => {
  const { store } = openStore(t);
  const { ask } = await openCollector(t, { store });
  const push = (...data: Buffer[]) => {
    const series = data.map((one) => ({
      labels: [{ name: 'service_name', value: 'shop' }],
      samples: [{ rawProfile: one.toString('base64') }],
    }));
    const headers = { 'Content-Type': 'application/json' };
    return ask('/push.v1.PusherService/Push', { method: 'POST', headers, body: JSON.stringify({ series }) });
  };
  const long = (cpu: number): Buffer => longProfile(cpu, 60 << 20);
  const sums = await Promise.all([push(long(1), long(2), long(4), profileOf(8)), push(long(16), long(32))]);
  t.deepEqual(
    sums.map(({ status }) => status),
    [200, 200],
  );
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), { total: 1 + 2 + 16 + 32 });
});

test('a type that changes its unit has all its values, in the smaller one', async (t) => {
  const { store } = openStore(t);
  const given: [value: number, unit: string][] = [
    [3, 'milliseconds'],
    [7, 'nanoseconds'],
    [5, 'microseconds'],
  ];
  await store.ingest(
    given.map(([value, unit]) => ({
      ...uploadOf(0, NOW - MINUTE, NOW),
      profiles: [
        {
          name: 'wall.pprof',
          format: 'pprof',
          data: encodeProfile([['cpu', unit]], [{ values: [value], stack: [{ name: 'work' }] }]),
        },
      ],
    })),
  );
  const nanoseconds = { unit: 'nanoseconds', total: 3_005_007 };
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), nanoseconds);
  t.like(await parsed(store.table(ALL, { by: 'host', limit: 10 })), nanoseconds);
  t.like(await parsed(store.labels(ALL)), nanoseconds);
  const { series } = await parsed<{ series: { values: number[] }[] }>(
    store.series(ALL, { step: ALL.to, limit: 1 }),
  );
  t.deepEqual(series[0]?.values, [nanoseconds.total]);
  // What cannot be added is another kind, which is named with its unit.
  await store.ingest([
    {
      ...uploadOf(0, NOW - MINUTE, NOW),
      profiles: [
        {
          name: 'wall.pprof',
          format: 'pprof',
          data: encodeProfile([['cpu', 'count']], [{ values: [11], stack: [{ name: 'work' }] }]),
        },
      ],
    },
  ]);
  t.like(await parsed(store.table(ALL, { by: 'function', limit: 10 })), { unit: 'count', total: 11 });
  for (const type of ['cpu/nanoseconds', 'cpu/milliseconds'])
    t.like(await parsed(store.table({ ...ALL, type }, { by: 'function', limit: 10 })), {
      total: type.endsWith('/nanoseconds') ? 7 : 3,
    });
});
