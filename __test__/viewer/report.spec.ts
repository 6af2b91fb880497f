/** What a report answers from its inside is what the store answers. */
import { join } from 'node:path';
import test from 'ava';
import { FOR_EVER, FolderStore } from '#src/collector/native-store.js';
import { QUERIES } from '#src/collector/query/api.js';
import { Parameters } from '#src/collector/query/parameters.js';
import type { Selection } from '#src/collector/store.js';
import { makeReport, type Report } from '#src/export/report.js';
import { Logger } from '#src/log.js';
import { ApiError } from '../../viewer/src/api/client.js';
import { decodeTimeline } from '../../viewer/src/api/decode-timeline.js';
import { decodeSandwich, decodeTree } from '../../viewer/src/api/decode-tree.js';
import type { Tree } from '../../viewer/src/api/tree.js';
import { ReportAnswers } from '../../viewer/src/report/answers.js';
import { readContents } from '../../viewer/src/report/contents.js';
import { encodeProfile, type GivenFrame, type GivenSample } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { dice } from './support/dice.js';

const SECOND = 1_000_000_000n;
const START = 1_750_000_000n * SECOND;
const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
/** Every kind of frame, two functions of one name, names that mean something elsewhere, and one that calls itself. */
const FRAMES: GivenFrame[] = [
  { name: 'main', file: '/srv/app/main.js', line: 9, startLine: 1 },
  { name: 'main', file: '/srv/app/main.js', line: 12, startLine: 1 },
  { name: 'main', file: '/srv/app/other/main.js', line: 3, startLine: 2 },
  { name: '__proto__', file: '/srv/app/main.js', line: 9, startLine: 8 },
  { name: '</script><script>alert(1)</script>', file: '/srv/app/</script>.js', line: 7 },
  { name: 'next', file: '/srv/app/node_modules/@scope/router/lib/index.js', line: 31, startLine: 30 },
  { name: 'run', file: '/srv/app/node_modules/express/index.js', line: 5, startLine: 4 },
  { name: 'emit', file: 'node:events', line: 510, startLine: 460 },
  { name: 'memcpy', module: '/usr/lib/libc.so.6' },
  { name: 'uv_run', module: '/usr/bin/node' },
  { name: 'Garbage Collection' },
];
const ENDPOINTS = ['GET /', 'GET /cart', 'POST /orders?secret=1', '__proto__'];
const THREADS = ['Main Event Loop', 'Worker #1 Event Loop', 'mine'];

/** Samples with times, stacks and labels by chance. */
function samplesOf(roll: (sides: number) => number, start: bigint): GivenSample[] {
  return Array.from({ length: 120 }, (_sample, index) => ({
    values: [1, 7_000_003 * (1 + roll(5)), roll(3) === 0 ? 0 : 1_000_003 * (1 + roll(7))],
    stack: Array.from({ length: roll(9) }, () => FRAMES[roll(FRAMES.length)] as GivenFrame),
    thread: THREADS[roll(THREADS.length)] as string,
    labels: {
      ...(roll(3) > 0 && { 'trace endpoint': ENDPOINTS[roll(ENDPOINTS.length)] as string }),
      end_timestamp_ns: start + BigInt(index) * (SECOND / 20n),
    },
  }));
}

const PROCESSES: [string, string][][] = [
  [
    ['runtime-id', 'a'],
    ['version', '1.4.0'],
    ['host', 'h1'],
  ],
  [
    ['runtime-id', 'b'],
    ['version', '1.5.0'],
  ],
  [
    ['runtime-id', 'c'],
    ['version', '1.5.0'],
    ['host', 'h1'],
  ],
];

/** Its profiles have no samples: what it has is time. */
const IDLE: [string, string][] = [
  ['runtime-id', 'd'],
  ['version', '1.5.0'],
  ['host', 'idle'],
];

const SHOP: Selection = {
  service: 'shop',
  from: Number(START / 1_000_000n),
  to: Number(START / 1_000_000n) + 120_000,
  where: [],
};
const RANGE = `service=shop&from=${SHOP.from}&to=${SHOP.to}`;

async function fill(folder: string, processes = [...PROCESSES, IDLE]): Promise<FolderStore> {
  const store = FolderStore.open(join(folder, 'store'), new Logger('error'), FOR_EVER);
  const roll = dice(11).below;
  const kept = await store.ingest(
    processes.flatMap((tags) =>
      [0n, 10n].map((after) => {
        const start = START + after * SECOND;
        const end = start + 10n * SECOND;
        const data = encodeProfile(TYPES, tags === IDLE ? [] : samplesOf(roll, start));
        return {
          service: 'shop',
          tags,
          start,
          end,
          client: 'test',
          profiles: [{ name: 'wall.pprof', format: 'pprof' as const, data }],
        };
      }),
    ),
  );
  if (kept.some(({ profiles }) => profiles[0]?.state !== 'kept')) throw new Error('a profile is not kept');
  return store;
}

function answersOf({ samples, timeline }: Report): ReportAnswers {
  const own = (bytes: Buffer) => Uint8Array.from(bytes).buffer;
  return new ReportAnswers(readContents(own(samples)), timeline && own(timeline));
}

/** As the collector answers over HTTP. */
async function ofCollector(store: FolderStore, path: string): Promise<Buffer> {
  const [name = '', query = ''] = path.split(/\?(.*)/s);
  const answer = await QUERIES.get(`/${name}`)?.(store, new Parameters(new URLSearchParams(query)));
  return Buffer.from(answer?.body ?? '');
}

/** A tree by its paths, as the order of its nodes means nothing. */
function byPath(tree: Tree): unknown {
  const { frames, parent, frame, ...rest } = tree;
  const { selfValues, totalValues, selfValuesB, totalValuesB, from, to, ...heading } = rest;
  const named = (index: number) => [
    frames.name[index],
    frames.file[index],
    frames.line[index],
    frames.kind[index],
    frames.package[index],
  ];
  const paths: string[] = [''];
  const nodes = Array.from(parent, (above, node) => {
    if (node > 0) paths[node] = `${paths[above]}\n${JSON.stringify(named(frame[node] as number))}`;
    const values = [selfValues, totalValues, selfValuesB, totalValuesB].map((column) => column?.[node]);
    return [paths[node] as string, values] as const;
  });
  return { heading, nodes: nodes.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

const CONDITIONS = [
  '',
  '&where=version:1.5.0',
  '&where=!version:1.5.0',
  '&where=host:',
  '&where=trace%20endpoint:GET%20/cart&where=trace%20endpoint:',
  '&where=thread%20name:mine&where=version:1.4.0',
  '&where=!thread%20name:mine&where=!thread%20name:Main%20Event%20Loop',
  '&where=nothing:there',
];

test('lists are those of the store, whatever the condition and the type', async (t) => {
  const store = await fill(temporaryFolder(t));
  const answers = answersOf(await makeReport(store, SHOP, false));
  const keys = [
    'function',
    'line',
    'file',
    'package',
    'thread name',
    'trace endpoint',
    'version',
    'host',
    'x',
  ];
  for (const condition of CONDITIONS)
    for (const type of ['', '&type=wall', '&type=sample'])
      for (const path of [
        `labels?${RANGE}${type}${condition}`,
        `lines?${RANGE}${type}${condition}&file=/srv/app/main.js`,
        ...keys.map((by) => `table?${RANGE}${type}${condition}&by=${by}`),
      ]) {
        const theirs: unknown = JSON.parse((await ofCollector(store, path)).toString());
        t.deepEqual(await answers.json(path), theirs, path);
      }
  await store.close();
});

test('trees, callers and callees and differences are those of the store', async (t) => {
  const store = await fill(temporaryFolder(t));
  const answers = answersOf(await makeReport(store, SHOP, false));
  const ours = async (path: string) => byPath(decodeTree(await answers.bytes(path)));
  const theirs = async (path: string) => byPath(decodeTree(copied(await ofCollector(store, path))));
  for (const condition of CONDITIONS) {
    for (const frames of ['function', 'line', 'file', 'package'])
      for (const by of ['', '&by=version', '&by=trace%20endpoint']) {
        const path = `tree?${RANGE}${condition}&frames=${frames}${by}`;
        t.deepEqual(await ours(path), await theirs(path), path);
      }
    for (const { name, file = '' } of FRAMES) {
      const path = `sandwich?${new URLSearchParams(`${RANGE}${condition}`)}&${new URLSearchParams({ name, file })}`;
      const both = ({ callers, callees }: { callers: Tree; callees: Tree }) => [callers, callees].map(byPath);
      t.deepEqual(
        both(decodeSandwich(await answers.bytes(path))),
        both(decodeSandwich(copied(await ofCollector(store, path)))),
        path,
      );
    }
  }
  const side = (condition: string) => `${RANGE}&type=cpu&where=${condition}`;
  for (const frames of ['function', 'package']) {
    const path = `diff?${new URLSearchParams({ a: side('version:1.4.0'), b: side('version:1.5.0'), frames })}`;
    // Counts of requests are in no report.
    const [mine, other] = [
      decodeTree(await answers.bytes(path)),
      decodeTree(copied(await ofCollector(store, path))),
    ].map(({ requests: _counts, ...tree }) => byPath({ ...tree, total: 0, seconds: 0 }));
    t.deepEqual(mine, other, path);
  }
  await store.close();
});

/** Samples with their times, each with its whole stack, and how many are left out. */
function momentsIn(bytes: ArrayBuffer): { rows: string[]; omitted: number } {
  const { lanes, labels, lane, label, end, wall, cpu, omitted, frames, parent, frame, node } =
    decodeTimeline(bytes);
  const stackOf = (leaf: number): unknown[] => {
    const stack: unknown[] = [];
    for (let at = leaf; at !== 0; at = parent[at] as number) {
      const index = frame[at] as number;
      stack.push([frames.name[index], frames.file[index], frames.line[index], frames.kind[index]]);
    }
    return stack;
  };
  const rows = Array.from(lane, (index, row) =>
    JSON.stringify([
      lanes[index],
      [...(labels[label[row] as number] ?? [])],
      [end[row], wall[row], cpu[row]],
      stackOf(node[row] as number),
    ]),
  );
  return { rows: rows.sort(), omitted };
}

test('the timeline is that of the store, with conditions on labels and on processes', async (t) => {
  const store = await fill(temporaryFolder(t));
  const answers = answersOf(await makeReport(store, SHOP, false));
  for (const condition of CONDITIONS) {
    const path = `timeline?${RANGE}${condition}`;
    t.deepEqual(
      momentsIn(await answers.bytes(path)),
      momentsIn(copied(await ofCollector(store, path))),
      path,
    );
  }
  await store.close();
});

test('of more samples than a report holds the longest are there, and no stack of the others', async (t) => {
  const store = FolderStore.open(join(temporaryFolder(t), 'store'), new Logger('error'), FOR_EVER);
  const [kept, left] = [20_000, 500];
  const samples = Array.from({ length: kept + left }, (_sample, index) => {
    const isLong = index >= left;
    return {
      values: [1, isLong ? 9_000_000 : 1_000_000, 1],
      stack: [FRAMES[0] as GivenFrame, { name: isLong ? `long ${index % 7}` : 'short', file: '/srv/a.js' }],
      thread: `thread ${index % 3}`,
      labels: { end_timestamp_ns: START + BigInt(index + 1) * 2_000_000n },
    };
  });
  await store.ingest([
    {
      service: 'shop',
      tags: [],
      start: START,
      end: START + 60n * SECOND,
      client: 'test',
      profiles: [{ name: 'wall.pprof', format: 'pprof', data: encodeProfile(TYPES, samples) }],
    },
  ]);
  const report = await makeReport(store, SHOP, false);
  const path = `timeline?${RANGE}`;
  const bytes = await answersOf(report).bytes(path);
  const mine = momentsIn(bytes);
  t.is(mine.rows.length, kept);
  t.is(mine.omitted, left);
  t.deepEqual(mine, momentsIn(copied(await ofCollector(store, `${path}&limit=${kept}`))));
  // The root, the function that all have, and one for each of the others.
  t.is(decodeTimeline(bytes).parent.length, 9);
  await store.close();
});

test('profiles and series are those of the store; what a report does not hold is said', async (t) => {
  const store = await fill(temporaryFolder(t));
  const answers = answersOf(await makeReport(store, SHOP, false));
  for (const condition of ['', '&where=version:1.5.0', '&where=thread%20name:mine']) {
    const path = `profiles?${RANGE}${condition}`;
    t.deepEqual(await answers.json(path), JSON.parse((await ofCollector(store, path)).toString()), path);
  }
  const series = `series?${RANGE}&type=cpu&step=1000`;
  t.deepEqual(await answers.json(series), JSON.parse((await ofCollector(store, series)).toString()));
  const refused = async (path: string) =>
    (await t.throwsAsync(answers.json(path), { instanceOf: ApiError }))?.message;
  t.is(
    await refused(`labels?${RANGE.replace('shop', 'other')}`),
    'This report is of shop, and of nothing else.',
  );
  t.is(await refused(`labels?${RANGE}&type=heap`), 'This report has no values of type heap.');
  t.regex((await refused('status')) ?? '', /does not hold what status asks for/);
  await store.close();
});

test('what a label hides of a tag costs the tags and no sample', async (t) => {
  const store = await fill(temporaryFolder(t), [
    [
      ['runtime-id', 'a'],
      ['thread name', 'a tag'],
    ],
    [['runtime-id', 'b']],
  ]);
  const { totals, processes } = (await makeReport(store, SHOP, false)).gathered;
  t.deepEqual(
    processes.map(({ tags }) => tags),
    [{}],
  );
  const { total } = JSON.parse((await ofCollector(store, `labels?${RANGE}&type=wall`)).toString());
  t.is(totals[1], total);
  await store.close();
});

test('a stripped report has the same sums, and no folder and no value', async (t) => {
  const store = await fill(temporaryFolder(t));
  const report = await makeReport(
    store,
    { ...SHOP, where: [{ key: 'host', values: ['h1'], negated: false }] },
    true,
  );
  const answers = answersOf(report);
  const table = (await answers.json(`table?${RANGE}&by=trace endpoint`)) as {
    total: number;
    rows: { name: string }[];
  };
  const whole = JSON.parse((await ofCollector(store, `labels?${RANGE}&where=host:h1`)).toString());
  t.is(table.total, whole.total);
  t.deepEqual(table.rows.map(({ name }) => name).sort(), ['#1', '#2', '#3', '#4', '(none)']);
  const text = report.samples.toString('latin1') + report.timeline?.toString('latin1');
  for (const secret of ['/srv', 'other/', '/usr/', 'GET /', 'secret', '1.4.0', '"h1"', '"mine"', 'host:h1'])
    t.false(text.includes(secret), secret);
  for (const kept of [
    'main.js (2)',
    'node_modules/@scope/router/lib/index.js',
    'node:events',
    'Main Event Loop',
  ])
    t.true(text.includes(kept), kept);
  await store.close();
});

function copied(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
