/** What changed from one profile, time or version to another. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diffGroupings } from '#src/cli/diff-choices.js';
import { markdownCode, markdownInert } from '#src/cli/markdown.js';
import { withRanges } from '#src/cli/range-words.js';
import { encodeProfile, type GivenPeriod, type GivenSample } from '../support/build-profile.js';
import { fillStore, type GivenProfile } from '../support/fill-store.js';
import { temporaryFolder } from '../support/folder.js';
import { everflame } from '../support/spawn.js';
import { openView } from '../support/view.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['cpu', 'nanoseconds'],
];
const main = { name: 'main', file: '/app/main.js', line: 9, startLine: 1 };
const render = { name: 'render', file: '/app/node_modules/@scope/md/lib/render.js', line: 31, startLine: 30 };
const emit = { name: 'emit', file: 'node:events', line: 510, startLine: 460 };
const old = { name: 'old', file: '/app/old.js', line: 3, startLine: 2 };
const fresh = { name: 'fresh', file: '/app/fresh.js', line: 5, startLine: 4 };

const MINUTE: GivenPeriod = { start: 1_790_000_000_000_000_000n, durationNanoseconds: 60_000_000_000n };
const HALF: GivenPeriod = { start: 1_790_000_100_000_000_000n, durationNanoseconds: 30_000_000_000n };

/** Of a minute; each value is twice a prime, so that half of it is whole and no wrong sum looks right. */
const BEFORE: GivenSample[] = [
  { values: [1, 10], stack: [main, render], thread: 'Main Event Loop' },
  { values: [1, 14], stack: [main, old], thread: 'Main Event Loop' },
  // Recursive: it counts once.
  { values: [1, 22], stack: [main, emit, main, emit], thread: 'Worker #1 Event Loop' },
];
/** Of half a minute. */
const AFTER: GivenSample[] = [
  { values: [1, 17], stack: [main, render], thread: 'Main Event Loop' },
  { values: [1, 19], stack: [main, fresh], thread: 'Main Event Loop' },
  { values: [1, 11], stack: [main, emit, main, emit], thread: 'Worker #1 Event Loop' },
  { values: [1, 23], stack: [] },
];

interface Cost {
  self: number;
  total: number;
}

interface Changes {
  type: string;
  unit: string;
  a: { name: string; total: number; seconds: number };
  b: { name: string; total: number; seconds: number };
  scale: number;
  rows: { name: string; a: Cost; b: Cost; change: Cost }[];
  more: number;
}

function twoFiles(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.pprof'), encodeProfile(TYPES, BEFORE, MINUTE));
  writeFileSync(join(folder, 'b.pprof'), encodeProfile(TYPES, AFTER, HALF));
  return folder;
}

async function changesOf(cwd: string, ...args: string[]): Promise<Changes> {
  const { code, stdout, stderr } = await everflame(['diff', ...args, '--json'], { cwd });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Changes;
}

function figures({ rows }: Changes): [string, ...number[]][] {
  return rows.map(({ name, a, b, change }) => [
    name,
    ...[a.self, b.self, change.self, a.total, b.total, change.total],
  ]);
}

test('A is scaled to the time of B, and the largest change of what ran itself comes first', async (t) => {
  const folder = twoFiles(t);
  const changes = await changesOf(folder, 'a.pprof', 'b.pprof');
  t.like(changes, { type: 'cpu', unit: 'nanoseconds', scale: 0.5, more: 0 });
  t.deepEqual(changes.a, { name: 'a.pprof', total: 46, seconds: 60 });
  t.deepEqual(changes.b, { name: 'b.pprof', total: 70, seconds: 30 });
  t.deepEqual(figures(changes), [
    ['(no stack)', 0, 23, 23, 0, 23, 23],
    ['fresh', 0, 19, 19, 0, 19, 19],
    ['render', 10, 17, 12, 10, 17, 12],
    ['old', 14, 0, -7, 14, 0, -7],
    ['main', 0, 0, 0, 46, 47, 24],
    ['emit', 22, 11, 0, 22, 11, 0],
  ]);
  const byTotal = await changesOf(folder, 'a.pprof', 'b.pprof', '--sort', 'total', '--limit', '2');
  t.deepEqual(
    figures(byTotal).map(([name]) => name),
    ['main', '(no stack)'],
  );
  t.is(byTotal.more, 4);
});

test('whatever a row is, the changes of all rows are the change of the whole', async (t) => {
  const folder = twoFiles(t);
  for (const by of diffGroupings) {
    for (const [type, change] of [
      ['cpu', 70 - 46 / 2],
      ['sample', 4 - 3 / 2],
    ] as const) {
      const { rows } = await changesOf(folder, 'a.pprof', 'b.pprof', '--by', by, '--type', type);
      t.is(
        rows.reduce((sum, row) => sum + row.change.self, 0),
        change,
        `${by} ${type}`,
      );
      t.true(rows.every(({ a, b }) => a.self <= a.total && b.self <= b.total));
    }
  }
});

test('without scaling, and with profiles that do not tell their time, the sums are compared as they are', async (t) => {
  const folder = twoFiles(t);
  const plain = await changesOf(folder, 'a.pprof', 'b.pprof', '--no-normalize');
  t.is(plain.scale, 1);
  t.is(plain.rows.find(({ name }) => name === 'render')?.change.self, 7);
  writeFileSync(join(folder, 'b.pprof'), encodeProfile(TYPES, AFTER));
  const silent = await changesOf(folder, 'a.pprof', 'b.pprof');
  t.deepEqual([silent.scale, silent.b.seconds], [1, 0]);
  const { stdout } = await everflame(['diff', 'a.pprof', 'b.pprof'], { cwd: folder });
  t.regex(stdout, /^cpu: \+52\.2 %, by function\n/);
  t.regex(stdout, /\nB +not told +70 ns +b\.pprof\n/);
  t.regex(stdout, /sums as they are: the profiles of B do not tell how long they took\./);
});

test('the same with itself is no change, and the same file by another name neither', async (t) => {
  const folder = twoFiles(t);
  writeFileSync(join(folder, 'c.pprof'), readFileSync(join(folder, 'a.pprof')));
  for (const other of ['a.pprof', 'c.pprof']) {
    const { stdout } = await everflame(['diff', 'a.pprof', other], { cwd: folder });
    t.regex(stdout, /^cpu: no change, by function\n/);
    t.regex(stdout, /\n\n4 did not change\.\n$/);
  }
});

test('a folder is all profiles in it, and nothing of a comparison stays behind', async (t) => {
  const folder = twoFiles(t);
  mkdirSync(join(folder, 'before'));
  for (const name of ['1.pprof', '2.pprof'])
    writeFileSync(join(folder, 'before', name), encodeProfile(TYPES, BEFORE, MINUTE));
  writeFileSync(join(folder, 'before', 'notes.txt'), 'no profile');
  const temporary = temporaryFolder(t);
  const { stdout, stderr } = await everflame(['diff', 'before', 'b.pprof', '--json'], {
    cwd: folder,
    env: { TMPDIR: temporary },
  });
  t.is(stderr, '');
  t.deepEqual((JSON.parse(stdout) as Changes).a, { name: 'before (2 files)', total: 92, seconds: 120 });
  t.deepEqual(readdirSync(temporary), []);
  t.deepEqual(readdirSync(folder).sort(), ['a.pprof', 'b.pprof', 'before']);
});

test('as text: both sides, how they were made alike, and what is new and gone', async (t) => {
  const folder = twoFiles(t);
  const { stdout } = await everflame(['diff', 'a.pprof', 'b.pprof'], { cwd: folder });
  t.is(
    stdout,
    [
      'cpu: +204.3 % in the same time, by function',
      '',
      '   profiles cover    cpu  each second  what',
      'A          60.0 s  46 ns         1 ns  a.pprof',
      'B          30.0 s  70 ns         2 ns  b.pprof',
      '',
      "A's figures below are scaled to the 30.0 s that B's profiles cover. The largest change of self comes first.",
      '',
      'self A  self B  change  total A  total B  change            function    where',
      '  0 ns   23 ns  +23 ns     0 ns    23 ns  +23 ns       new  (no stack)',
      '  0 ns   19 ns  +19 ns     0 ns    19 ns  +19 ns       new  fresh       /app/fresh.js:4',
      '  5 ns   17 ns  +12 ns     5 ns    17 ns  +12 ns  +240.0 %  render      @scope/md/lib/render.js:30',
      '  7 ns    0 ns   -7 ns     7 ns     0 ns   -7 ns      gone  old         /app/old.js:2',
      '  0 ns    0 ns    0 ns    23 ns    47 ns  +24 ns            main        /app/main.js:1',
      '',
      '1 did not change.',
      '',
    ].join('\n'),
  );
  const two = await everflame(['diff', 'a.pprof', 'b.pprof', '--limit', '2'], { cwd: folder });
  t.regex(two.stdout, /\n\n3 more changed; --limit 6 shows all\. 1 did not change\.\n$/);
});

test('as Markdown a name is a name, whatever is in it', async (t) => {
  const folder = temporaryFolder(t);
  const names = [
    'plain',
    'a|b',
    '`code`',
    '<script>alert(1)</script>',
    '[x](javascript:1)',
    'two\nlines',
    '\\|',
  ];
  const odd: [string, string][] = [['cpu|`x`', '*|*']];
  const samples = names.map((name, index) => ({
    values: [1, index + 1],
    stack: [{ name, file: '/x|y.js' }],
  }));
  writeFileSync(join(folder, 'a.pprof'), encodeProfile(TYPES, samples.slice(0, 1), MINUTE));
  writeFileSync(join(folder, 'b.pprof'), encodeProfile(TYPES, samples, MINUTE));
  const { stdout } = await everflame(['diff', 'a.pprof', 'b.pprof', '--format', 'markdown'], { cwd: folder });
  const rows = stdout.split('\n').filter((line) => line.startsWith('|'));
  const [sides, table] = [rows.slice(0, 4), rows.slice(4)];
  t.deepEqual(new Set(sides.map((line) => line.split('|').length)), new Set([7]));
  // Each has as many bars as the heading: no name has ended a cell.
  t.deepEqual(new Set(table.map((line) => line.split('|').length)), new Set([11]));
  t.is(table.length, 2 + names.length - 1);
  for (const cell of table.slice(2).map((line) => line.split('|')[1]?.trim() ?? ''))
    t.regex(cell, /^`[^`]+`$|^<code>(&#\d+;|[\p{L}\p{N} ])+<\/code>$/u);
  for (const [file, value] of [
    ['c.pprof', 3],
    ['d.pprof', 5],
  ] as const) {
    const sample = { values: [value], stack: [{ name: 'work' }] };
    writeFileSync(join(folder, file), encodeProfile(odd, [sample], MINUTE));
  }
  const unit = await everflame(['diff', 'c.pprof', 'd.pprof', '--format', 'markdown'], { cwd: folder });
  const cells = unit.stdout.split('\n').filter((line) => line.startsWith('|'));
  t.deepEqual(
    cells.map((line) => line.split('|').length),
    [7, 7, 7, 7, 10, 10, 10],
  );
  t.notRegex(unit.stdout, /[*]\|[*]|`x`/);
  t.is(markdownCode('a|b'), '<code>a&#124;b</code>');
  t.is(markdownInert('+1.5 a|b'), '&#43;1&#46;5 a&#124;b');
  t.is(
    markdownInert('cpu: +12.5 % in the same time, by function'),
    'cpu: +12.5 % in the same time, by function',
  );
  t.is(markdownCode(''), '');
});

const NOW = Date.now();
const HOUR = 3_600_000;

/** Two hours of one service, each with a version of its own, and another service. */
const STORED: GivenProfile[] = [
  {
    from: NOW - 2 * HOUR + 60_000,
    to: NOW - 2 * HOUR + 120_000,
    tags: { version: '1.1' },
    types: TYPES,
    samples: BEFORE,
  },
  {
    from: NOW - HOUR + 60_000,
    to: NOW - HOUR + 90_000,
    tags: { version: '1.2' },
    types: TYPES,
    samples: AFTER,
  },
  {
    service: 'cart',
    from: NOW - HOUR + 60_000,
    to: NOW - HOUR + 90_000,
    types: TYPES,
    samples: BEFORE.slice(0, 1),
  },
];

test('times, versions and services of the store are compared as files are', async (t) => {
  const folder = twoFiles(t);
  await fillStore(folder, STORED);
  const expected = figures(await changesOf(folder, 'a.pprof', 'b.pprof'));
  for (const args of [
    ['2h..1h', '1h..', '--service', 'shop'],
    ['-2h..-1h', '-1h..now', '--service', 'shop'],
    ['now-2h..now-1h', `${NOW - HOUR}..`, '--service', 'shop'],
    ['version:1.1', 'version:1.2', '--service', 'shop', '--last', '3h'],
    ['version:1.1', '!version:1.1', '--service', 'shop'],
    // A file beside the store.
    ['a.pprof', 'version:1.2', '--service', 'shop'],
    ['..1h', 'b.pprof', '--service', 'shop'],
  ]) {
    const changes = await changesOf(folder, ...args);
    t.deepEqual(figures(changes), expected, args.join(' '));
    t.deepEqual([changes.a.seconds, changes.b.seconds], [60, 30], args.join(' '));
  }
  const services = await changesOf(folder, 'service:shop', 'service:cart', '--by', 'package');
  t.deepEqual([services.a.total, services.b.total], [46 + 70, 10]);
  const thread = ['--where', 'thread name:Worker #1 Event Loop'];
  const part = await changesOf(folder, 'a.pprof', 'version:1.2', '--service', 'shop', ...thread);
  t.deepEqual([part.a.total, part.b.total], [22, 11], 'conditions are for both sides');
});

test('over HTTP it is the same, as JSON', async (t) => {
  const folder = twoFiles(t);
  await fillStore(folder, STORED);
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder });
  const side = (version: string) =>
    encodeURIComponent(`service=shop&from=0&to=${NOW + HOUR}&where=version:${version}`);
  const query = `/changes?a=${side('1.1')}&b=${side('1.2')}`;
  const { a, b, ...rest } = await view.json<Changes>(query);
  const { a: fileA, b: fileB, ...expected } = await changesOf(folder, 'a.pprof', 'b.pprof');
  const { by: _, ...named } = expected as typeof expected & { by: string };
  t.deepEqual(rest, named);
  t.deepEqual([a.total, a.seconds, b.total, b.seconds], [fileA.total, 60, fileB.total, 30]);
  const some = await view.json<Changes>(`${query}&by=package&order=total&scale=none&limit=1`);
  t.like(some, { scale: 1, more: 3 });
  t.deepEqual(figures(some), [['(no stack)', 0, 23, 23, 0, 23, 23]]);
  await view.end();
});

test('what cannot be compared is told, with what can be', async (t) => {
  const folder = twoFiles(t);
  const fails = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await everflame(['diff', ...args], { cwd: folder });
    t.deepEqual([code, stdout], [1, ''], args.join(' '));
    return stderr;
  };
  t.regex(
    await fails('gone.pprof', 'b.pprof'),
    /"gone\.pprof" is no file that is there, and no part of the store\. Give a profile or a folder/,
  );
  t.regex(await fails('../gone.pprof', 'b.pprof'), /is no file that is there/);
  t.regex(await fails('5..6', 'b.pprof'), /"5\.\.6" is no file that is there/);
  t.regex(
    await fails('2h..1h', '1h..'),
    /there is no store in .* yet: everflame view or everflame dev makes one/,
  );
  t.regex(
    await fails('a.pprof', 'b.pprof', '--last', '1h'),
    /--last is about the store, and both sides are files: leave it out/,
  );
  t.regex(
    await fails('a.pprof', 'b.pprof', '--type', 'heap'),
    /no values of type "heap"; it has sample, cpu/,
  );
  t.regex(
    await fails('a.pprof', 'b.pprof', '--format', 'text', '--json'),
    /--json and --format text are two forms/,
  );
  t.regex(await fails('a.pprof'), /missing required argument 'b'/);
  writeFileSync(join(folder, 'notes.pprof'), 'nothing of that kind');
  t.regex(await fails('notes.pprof', 'b.pprof'), /notes\.pprof cannot be compared: it is no profile/);
  t.regex(await fails('/dev/zero', 'b.pprof'), /cannot read \/dev\/zero: it is a device\. Name a file/);
  t.regex(
    await fails('a.pprof', 'b.pprof', '--where', 'thread name:none'),
    /there are no samples of a\.pprof\. Leave out --where "thread name:none", or give another/,
  );
  mkdirSync(join(folder, 'empty'));
  t.regex(await fails('empty', 'b.pprof'), /"empty" is a folder without profiles/);
  await fillStore(folder, STORED);
  t.regex(await fails('2h..1h', '1h..'), /name a service with --service; there is cart, shop/);
  t.regex(
    await fails('2h..1h', '1h..', '--service', 'shop', '--last', '1h'),
    /"2h\.\.1h" is a range of time: leave out --from, --to and --last/,
  );
  t.regex(
    await fails('service:shop', '1h..', '--service', 'shop'),
    /"service:shop" names a service: leave out --service/,
  );
  t.regex(await fails('1h..2h', '1h..', '--service', 'shop'), /the range is empty: it begins at/);
  t.regex(
    await fails('version:9', '1h..', '--service', 'shop'),
    /there are no samples of version:9 \(shop, .*\)\. "everflame query profiles" lists/,
  );
  renameSync(join(folder, 'a.pprof'), join(folder, 'version:1.1'));
  const { a } = await changesOf(folder, 'version:1.1', 'b.pprof');
  t.is(a.name, 'version:1.1', 'a file that is there wins');
});

test('a range that begins with a minus is no option, and options stay what they are', (t) => {
  const line = (...words: string[]): string[] => withRanges(['node', 'everflame', ...words]);
  t.deepEqual(line('diff', '-2h..-1h', '-1.5d..', '--json'), [
    'node',
    'everflame',
    'diff',
    '2h..-1h',
    '1.5d..',
    '--json',
  ]);
  t.deepEqual(line('run', 'node', '-2h..-1h').slice(2), ['run', 'node', '-2h..-1h']);
});
