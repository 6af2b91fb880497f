/** V8's `.cpuprofile`: times and lines, from files whose sums are known. */
import test from 'ava';
import { foldedStacks, linesOf, total } from '../support/pprof.js';
import { cpuProfile, SMALL } from './support/cpuprofile.js';
import { add, converted, openFiles, reason, table, tableOf, totals, WRITTEN } from './support/shown.js';

// A sample stands for the time until the next one; what is before the first is the first one's.
const SAMPLES = [2, 3, 3, 4, 3, 5, 6];
const DELTAS = [101, 211, 307, 401, 503, 601, 701];
const END = 5_000_000 + DELTAS.reduce((sum, delta) => sum + delta, 0) + 809;
const PROFILE = cpuProfile(SMALL, SAMPLES, DELTAS, { endTime: END });

test('each sample stands for the time until the next, and all of them for that of the file', async (t) => {
  const files = openFiles(t);
  const shown = await add(files, 'a.cpuprofile', JSON.stringify(PROFILE));
  const wall = (END - 5_000_000) * 1000;
  t.deepEqual(totals(shown), {
    sample: '7 count',
    wall: `${wall} nanoseconds`,
    // What waits takes no CPU time.
    cpu: `${wall - 503_000} nanoseconds`,
  });
  t.like(shown, { service: 'a.cpuprofile', format: 'cpuprofile', profiles: 1, again: false });
  t.is(shown.to, WRITTEN, 'it ends when the file was written');
  t.is(shown.from, WRITTEN - wall / 1e6);
  t.deepEqual(
    Object.fromEntries(foldedStacks(converted('a', PROFILE), 'wall')),
    {
      main: (101 + 211) * 1000,
      'main;work': (307 + 401 + 601) * 1000,
      '(idle)': 503_000,
      '(garbage collector)': 701_000,
      '(program)': 809_000,
    },
    'stacks from the root on, without (root)',
  );
  const { rows } = await table(files, 'a.cpuprofile', 'wall');
  t.deepEqual(
    rows.map(({ name, kind, package: from, line }) => [name, kind, from, line]).sort(),
    [
      ['(garbage collector)', 'gc', 'node', 0],
      ['(idle)', 'node', 'node', 0],
      ['(program)', 'node', 'node', 0],
      ['main', 'app', '(your code)', 10],
      ['work', 'package', 'pkg', 21],
    ],
    'lines count from 1',
  );
});

test('lines of a leaf are those that V8 has counted, as often as it has', (t) => {
  const profile = cpuProfile(SMALL, [3, 3, 3, 3], [1, 1, 1, 1]);
  // A sample that no tick is left for is at the beginning of the function.
  t.deepEqual(
    linesOf(converted('a', profile), 'sample', 'work'),
    new Map([
      [22, 2],
      [25, 1],
      [21, 1],
    ]),
  );
});

test('samples that were written down late are put in the order of their times', (t) => {
  // Of times 10, 30, 20, 40.
  const profile = cpuProfile(SMALL, [2, 4, 3, 2], [10, 20, -10, 20], { endTime: 5_000_050 });
  t.deepEqual(Object.fromEntries(foldedStacks(converted('a', profile), 'wall')), {
    main: (20 + 10) * 1000,
    'main;work': 10_000,
    '(idle)': 10_000,
  });
});

test('a sample before the beginning and one after the end are in the sum', (t) => {
  const early = cpuProfile(SMALL, [2, 3], [-70, 100], { endTime: 5_000_020 });
  t.is(total(converted('a', early), 'wall'), 100_000);
});

test('single samples have their times', (t) => {
  const ends = converted('a', PROFILE).flatMap(({ samples }) =>
    samples.map(({ labels }) =>
      Number(BigInt(labels.get('end_timestamp_ns') ?? 0) - BigInt(WRITTEN) * 1_000_000n),
    ),
  );
  const times = [-3322, -2614, -2111, -1510, -809, 0].map((microseconds) => microseconds * 1000);
  // The two lines of `work` are two samples.
  t.deepEqual(ends, times);
});

test('a long profile can be asked about by parts of it, which add up to the whole', async (t) => {
  const files = openFiles(t);
  const seconds = 200;
  const samples = Array.from(
    { length: seconds * 10 },
    (_, index) => [2, 3, 4][Math.floor(index / 7) % 3] as number,
  );
  const deltas = samples.map((_, index) => 100_003 + (index % 5));
  const profile = cpuProfile(SMALL, samples, deltas);
  const shown = await add(files, 'long.cpuprofile', JSON.stringify(profile));
  const wall = deltas.reduce((sum, delta) => sum + delta, 0) * 1000;
  t.is(totals(shown).wall, `${wall} nanoseconds`);
  t.is(totals(shown).sample, `${samples.length} count`);
  t.is(shown.profiles, 60);
  const at = async (from: number, to: number): Promise<number> => {
    const selection = { service: 'long.cpuprofile', from, to, type: 'wall', where: [] };
    return (await tableOf(files, selection)).total;
  };
  const quarter = (shown.to - shown.from) / 4;
  const parts = await Promise.all(
    [0, 1, 2, 3].map((index) => at(shown.from + index * quarter, shown.from + (index + 1) * quarter)),
  );
  t.is(
    parts.reduce((sum, part) => sum + part, 0),
    wall,
  );
  for (const part of parts) t.true(Math.abs(part - wall / 4) <= wall / 60, `${part} of ${wall}`);
  for (const { durationNanoseconds, samples: own } of converted('a', profile))
    t.true(own.reduce((sum, { values }) => sum + (values[1] ?? 0), 0) <= durationNanoseconds);
});

test('a beginning that is a date is taken for one', (t) => {
  const date = Date.UTC(2026, 0, 3);
  const [first] = converted('a', cpuProfile(SMALL, [2], [10], { startTime: date * 1000 }));
  t.is(first?.startNanoseconds, BigInt(date) * 1_000_000n);
});

test('a file from a clock that is ahead, or without a date, is of no impossible time', async (t) => {
  const files = openFiles(t);
  const ahead = await add(files, 'ahead.cpuprofile', JSON.stringify(PROFILE), Date.now() + 1e12);
  t.true(ahead.to <= Date.now() && ahead.to > Date.now() - 60_000);
  const none = cpuProfile(SMALL, [2, 3], [10, 20]);
  t.true((await add(files, 'none.cpuprofile', JSON.stringify(none), 0)).from < 1);
});

test('the thread is the one that Node.js names in the name of the file', (t) => {
  const threadOf = (name: string) => converted(name, PROFILE)[0]?.samples[0]?.labels.get('thread name');
  t.is(threadOf('CPU.20260115.120000.4711.0.001.cpuprofile'), 'Main Event Loop');
  t.is(threadOf('CPU.20260115.120000.4711.3.002.cpuprofile'), 'Worker #3 Event Loop');
  t.is(threadOf('mine.cpuprofile'), 'JavaScript thread');
});

test('without samples, what V8 has counted is shown', (t) => {
  const { nodes, startTime, endTime } = cpuProfile(
    [
      { id: 1, name: '(root)', children: [2] },
      { id: 2, name: 'main', url: 'file:///app/main.js', line: 9, hits: 13, children: [3] },
      { id: 3, name: 'work', url: 'file:///app/work.js', line: 3, hits: 17 },
    ],
    [],
    [],
  );
  const counted = converted('a', { nodes, startTime, endTime });
  t.deepEqual(Object.fromEntries(foldedStacks(counted, 'sample')), { main: 13, 'main;work': 17 });
});

test('functions without a name, of eval and of addresses are told apart by their place', (t) => {
  const profile = cpuProfile([{ id: 1, name: '', url: 'file:///app/a%20b.js', line: 4 }], [1], [10]);
  const [frame] = converted('a', profile)[0]?.samples[0]?.frames ?? [];
  t.like(frame, { name: '(anonymous:L#5:C#5)', file: '/app/a b.js', startLine: 5 });
});

const NODE = { callFrame: { functionName: 'f', url: '', scriptId: '0', lineNumber: 0, columnNumber: 0 } };

for (const [title, change, sentence] of [
  ['no nodes', { nodes: [] }, 'it has no nodes'],
  ['a node that is no object', { nodes: [7] }, 'node 1 of 1 is no object'],
  [
    'two nodes of one number',
    {
      nodes: [
        { ...NODE, id: 1 },
        { ...NODE, id: 1 },
      ],
    },
    'it has two nodes of the number 1',
  ],
  ['a node without a function', { nodes: [{ id: 4 }] }, 'node 4 has no callFrame'],
  [
    'a function whose name is a number',
    { nodes: [{ id: 4, callFrame: { functionName: 5 } }] },
    'node 4 has the function 5 in the file "", and both are to be texts',
  ],
  [
    'a child that is missing',
    { nodes: [{ ...NODE, id: 1, children: [9] }] },
    'node 1 calls node 9, which is not there',
  ],
  [
    'a caller that is missing',
    { nodes: [{ ...NODE, id: 1, parent: 9 }] },
    'node 1 is called by node 9, which is not there',
  ],
  [
    'a child of two nodes',
    {
      nodes: [
        { ...NODE, id: 1, children: [3] },
        { ...NODE, id: 2, children: [3] },
        { ...NODE, id: 3 },
      ],
    },
    'node 3 is called by two nodes',
  ],
  [
    'a circle',
    {
      nodes: [
        { ...NODE, id: 1, children: [2] },
        { ...NODE, id: 2, children: [3] },
        { ...NODE, id: 3, children: [1] },
      ],
    },
    'its nodes call each other in a circle, at node 1',
  ],
  [
    'a node that calls itself',
    { nodes: [{ ...NODE, id: 1, children: [1] }] },
    'its nodes call each other in a circle, at node 1',
  ],
  [
    'samples of a node that is missing',
    { samples: [2, 77] },
    'sample 2 of 2 is of node 77, which is not there',
  ],
  ['fewer times than samples', { timeDeltas: [1] }, 'it has 2 samples and 1 timeDeltas'],
  ['no samples', { samples: [], timeDeltas: [] }, 'it has no samples'],
  ['a time that is no number', { timeDeltas: [1, null] }, 'the time of sample 2 of 2 is null'],
  ['samples that are no list', { samples: 'all' }, 'its samples or timeDeltas are no list'],
  [
    'neither samples nor counts',
    { samples: undefined },
    'it has no samples and timeDeltas, and no node has a hitCount',
  ],
  [
    'times that are too far apart',
    { timeDeltas: [1, 1e17] },
    'its times are 1.16e+6 days apart, more than can be told in nanoseconds',
  ],
] as [string, Record<string, unknown>, string][])
  test(`refused: ${title}`, (t) => {
    const profile = { ...cpuProfile(SMALL, [2, 3], [1, 2]), ...change };
    t.is(reason(profile), `read as a CPU profile of V8, ${sentence}`);
  });

test('refused: an infinite time, which JSON can have', (t) => {
  const text = JSON.stringify(cpuProfile(SMALL, [2, 3], [1, 2])).replace(
    '"timeDeltas":[1,2]',
    '"timeDeltas":[1,1e999]',
  );
  t.is(reason(text), 'read as a CPU profile of V8, the time of sample 2 of 2 is null');
});

test('refused: stacks that are too deep, without a stack of our own that is', (t) => {
  const nodes = Array.from({ length: 200_000 }, (_, id) => ({
    id,
    name: 'f',
    children: id < 199_999 ? [id + 1] : [],
  }));
  t.regex(
    reason(cpuProfile(nodes, [199_999], [1])),
    /^read as a CPU profile of V8, the stack of node \d+ has more than 16,384 frames$/,
  );
  // Within the depth, but a square of frames together.
  const many = Array.from({ length: 16_000 }, (_, id) => ({
    id,
    name: 'f',
    children: id < 15_999 ? [id + 1] : [],
  }));
  const ids = many.map(({ id }) => id);
  t.is(
    reason(
      cpuProfile(
        many,
        ids,
        ids.map(() => 1),
      ),
    ),
    'read as a CPU profile of V8, its stacks have more than 32,000,000 frames together',
  );
});
