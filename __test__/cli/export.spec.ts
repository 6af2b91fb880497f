/** Profiles as one file: what is in it, what is not, and what is said of it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { cpuProfile } from '../import/support/cpuprofile.js';
import { buildProfile, encodeProfile, type GivenSample } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { foldedStacks, readProfile } from '../support/pprof.js';
import { readReport } from '../support/report-file.js';
import { CLI, everflame, run } from '../support/spawn.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const main = { name: 'main', file: '/srv/secret/main.js', line: 9, startLine: 1 };
const other = { name: 'main', file: '/srv/other/main.js', line: 3, startLine: 2 };
const route = {
  name: 'next',
  file: '/srv/secret/node_modules/@scope/router/lib/index.js',
  line: 31,
  startLine: 30,
};
const memcpy = { name: 'memcpy', module: '/usr/lib/libc.so.6' };
const MAIN = 'Main Event Loop';

/** Primes, so that no two sets of samples have one sum. */
const FIRST: GivenSample[] = [
  { values: [2, 3e6, 5e6], stack: [main, route], thread: MAIN, labels: { 'trace endpoint': 'GET /cart' } },
  { values: [1, 7e6, 11e6], stack: [main, route, memcpy], thread: MAIN },
  { values: [1, 13e6, 0], stack: [other], thread: 'billing', labels: { 'trace endpoint': 'POST /orders' } },
];
const SECOND: GivenSample[] = [{ values: [1, 17e6, 19e6], stack: [main, other], thread: MAIN }];
const SUMS = [5, 40e6, 35e6];

function twoFiles(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  buildProfile(join(folder, 'a.pprof'), TYPES, FIRST);
  buildProfile(join(folder, 'b.pprof'), TYPES, SECOND);
  return folder;
}

/** Runs `everflame export` where the files are. */
async function exported(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(process.execPath, [CLI, 'export', ...args], { cwd: folder });
  if (code !== 0) throw new Error(`${code} ${stderr}`);
  return stdout;
}

async function refused(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(process.execPath, [CLI, 'export', ...args], { cwd: folder });
  return `${code} ${stdout}${stderr}`.trim();
}

test('a report of files has their sums, their files as tags, and says what it holds', async (t) => {
  const folder = twoFiles(t);
  const said = await exported(folder, '--html', 'a.pprof', 'b.pprof');
  const { heading, sums } = readReport(readFileSync(join(folder, 'report.html'), 'utf8'));
  t.deepEqual(
    heading.service.types.map(({ name }) => name),
    ['sample', 'wall', 'cpu'],
  );
  t.deepEqual(sums, SUMS);
  t.deepEqual(heading.groups.map(({ tags }) => tags.file).sort(), ['a.pprof', 'b.pprof']);
  t.regex(
    said,
    /^report\.html: a\.pprof and 1 more, sample 5, wall 40\.0 ms, cpu 35\.0 ms; \d+ KB\. Open it in a browser/,
  );
  t.regex(
    said,
    /paths of files, and values of labels and tags \(thread name, trace endpoint, file\): look before/,
  );
});

test('a report loads nothing: its policy allows its own three texts, and nothing leads elsewhere', async (t) => {
  const folder = twoFiles(t);
  await exported(folder, 'a.pprof', '-o', 'own.html');
  const { markup, page } = readReport(readFileSync(join(folder, 'own.html'), 'utf8'));
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(markup) ?? [];
  const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(markup) ?? [];
  const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(markup) ?? [];
  t.is(
    policy,
    `default-src 'none'; script-src ${hash(script)} ${hash(page)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`,
  );
  t.notRegex(markup, /\b(src|href|srcset|action|data)=|url\(|@import|https?:/i);
  t.is(markup.split('<script').length, 2);
});

test('a report is small: the page, and some of what the profile has', async (t) => {
  const folder = twoFiles(t);
  await exported(folder, 'a.pprof');
  const { size } = statSync(join(folder, 'report.html'));
  // 150 KB as gzip are the page's limit, of which base64 makes a third more.
  t.true(size < 200_000 + 8_000, `${size} bytes`);
});

const NASTY = [
  '</script><script>alert(1)</script>',
  '<!--',
  '<img src=x onerror=alert(1)>',
  `"quoted" & 'single'`,
  '__proto__',
  'constructor',
  'line\nbreak\u2028and\u2029more',
  'control \u0000\u0007\u001b',
  '漢字 🔥',
];

test('names that mean something in markup stay text', async (t) => {
  const folder = temporaryFolder(t);
  const samples = NASTY.map(
    (name): GivenSample => ({
      values: [1, 1, 1],
      stack: [{ name, file: `/srv/${name}.js` }],
      thread: name,
      labels: { [name]: name },
    }),
  );
  buildProfile(join(folder, '<b>&lt;.pprof'), TYPES, samples);
  await exported(folder, '<b>&lt;.pprof');
  const { heading, markup, sums } = readReport(readFileSync(join(folder, 'report.html'), 'utf8'));
  t.deepEqual(sums, [9, 9, 9]);
  t.deepEqual([...heading.frames.name].sort(), [...NASTY].sort());
  t.deepEqual(new Set(heading.labels.flatMap((set) => set.map(([, value]) => value))), new Set(NASTY));
  t.true(markup.includes('<title>&lt;b>&amp;lt;.pprof · Everflame</title>'));
  t.is(markup.split('<script').length, 2);
  t.false(markup.includes('alert'));
});

test('--strip leaves out folders and values, keeps sums, and says so', async (t) => {
  const folder = twoFiles(t);
  const said = await exported(folder, '--strip', 'a.pprof', 'b.pprof');
  t.regex(said, /names of functions and of files; their folders are left out, and numbers stand for values/);
  const html = readFileSync(join(folder, 'report.html'), 'utf8');
  const { heading, sums } = readReport(html);
  t.deepEqual(sums, SUMS);
  t.true(heading.isStripped);
  const text = JSON.stringify(heading);
  for (const secret of ['/srv', 'secret', '/cart', 'orders', 'billing', '/usr'])
    t.false(text.includes(secret), secret);
  t.deepEqual([...new Set(heading.frames.file)].sort(), [
    'libc.so.6',
    'main.js',
    'main.js (2)',
    'node_modules/@scope/router/lib/index.js',
  ]);
  t.deepEqual([...new Set(heading.frames.package)].sort(), ['(your code)', '@scope/router', 'libc.so.6']);
  const threads = heading.labels.flatMap((set) => set.filter(([key]) => key === 'thread name'));
  t.deepEqual([...new Set(threads.map(([, value]) => value))].sort(), ['#1', MAIN]);
});

test('pprof, collapsed stacks and speedscope have the same sums', async (t) => {
  const folder = twoFiles(t);
  await exported(folder, '--pprof', 'a.pprof', 'b.pprof');
  const profile = readProfile(join(folder, 'profile.pb.gz'));
  t.deepEqual(
    TYPES.map((_type, index) => profile.samples.reduce((sum, { values }) => sum + Number(values[index]), 0)),
    SUMS,
  );
  await exported(folder, '--collapsed', '--type', 'wall', 'a.pprof', 'b.pprof');
  const lines = readFileSync(join(folder, 'profile.collapsed.txt'), 'utf8').trim().split('\n');
  t.is(
    lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0),
    40e6,
  );
  t.true(
    lines.includes(
      'main (/srv/secret/main.js:1);next (/srv/secret/node_modules/@scope/router/lib/index.js:30);memcpy (/usr/lib/libc.so.6) 7000000',
    ),
  );
  await exported(folder, '--speedscope', '--strip', 'a.pprof', 'b.pprof');
  const text = readFileSync(join(folder, 'profile.speedscope.json'), 'utf8');
  t.false(text.includes('secret'));
  const { profiles, shared } = JSON.parse(text) as {
    profiles: { name: string; unit: string; endValue: number; samples: number[][]; weights: number[] }[];
    shared: { frames: { name: string }[] };
  };
  t.deepEqual(
    profiles.map(({ name, unit }) => [name, unit]),
    [
      ['sample', 'none'],
      ['wall', 'nanoseconds'],
      ['cpu', 'nanoseconds'],
    ],
  );
  for (const [index, { endValue, weights, samples }] of profiles.entries()) {
    t.is(endValue, SUMS[index] as number);
    t.is(
      weights.reduce((sum, weight) => sum + weight, 0),
      endValue,
    );
    t.true(samples.flat().every((frame) => shared.frames[frame] !== undefined));
  }
});

test('a profile of V8 is turned into pprof with its sums', async (t) => {
  const nodes = [
    { id: 1, name: '(root)', children: [2] },
    { id: 2, name: 'work', url: 'file:///srv/app.js', line: 4 },
  ];
  const folder = temporaryFolder(t, {
    'a.cpuprofile': JSON.stringify(cpuProfile(nodes, [2, 2], [1700, 2300])),
  });
  await exported(folder, '--pprof', 'a.cpuprofile');
  t.deepEqual(foldedStacks([readProfile(join(folder, 'profile.pb.gz'))], 'wall'), new Map([['work', 4e6]]));
});

test('a stripped pprof has neither folders nor values, and every kind of value that is asked for', async (t) => {
  const folder = twoFiles(t);
  await exported(folder, '--pprof', '--strip', '--type', 'cpu', 'a.pprof', '-o', 'own.pb.gz');
  const profile = readProfile(join(folder, 'own.pb.gz'));
  t.deepEqual(
    profile.types.map(({ type }) => type),
    ['cpu'],
  );
  t.is(
    profile.samples.reduce((sum, { values }) => sum + Number(values[0]), 0),
    16e6,
  );
  const text = JSON.stringify(profile.samples.map(({ frames, labels }) => [frames, [...labels]]));
  for (const secret of ['/srv', 'secret', '/cart', 'orders', 'billing', '/usr'])
    t.false(text.includes(secret), secret);
});

async function store(t: ExecutionContext): Promise<{ folder: string; hour: bigint }> {
  const folder = temporaryFolder(t);
  const hour = BigInt(Date.now() - 3_600_000) * 1_000_000n;
  const opened = FolderStore.open(join(folder, 'kept'), new Logger('error'));
  const upload = (service: string, version: string, start: bigint, samples: GivenSample[]) => ({
    service,
    tags: [['version', version]] as [string, string][],
    start,
    end: start + 10_000_000_000n,
    client: 'test',
    profiles: [{ name: 'wall.pprof', format: 'pprof' as const, data: encodeProfile(TYPES, samples) }],
  });
  await opened.ingest([
    upload('shop', '1.4.0', hour, FIRST),
    upload('shop', '1.5.0', hour + 3_000_000_000_000n, SECOND),
    upload('bill', '1', hour, SECOND),
  ]);
  await opened.close();
  return { folder, hour };
}

test('a report of the store is of the selection: service, time, kind of value, labels and tags', async (t) => {
  const { folder } = await store(t);
  const of = async (...args: string[]): Promise<[string[], number[]]> => {
    await exported(folder, '--store', 'kept', '--service', 'shop', ...args);
    const { heading, sums } = readReport(readFileSync(join(folder, 'report.html'), 'utf8'));
    return [heading.service.types.map(({ name }) => name), sums];
  };
  const all = ['sample', 'wall', 'cpu'];
  t.deepEqual(await of(), [all, SUMS]);
  t.deepEqual(await of('--last', '30m'), [all, [1, 17e6, 19e6]]);
  t.deepEqual(await of('--to', '30m'), [all, [4, 23e6, 16e6]]);
  t.deepEqual(await of('--where', 'version:1.4.0', '--type', 'cpu'), [['cpu'], [16e6]]);
  t.deepEqual(await of('--where', '!thread name:Main Event Loop'), [all, [1, 13e6, 0]]);
});

test('what cannot be exported is one sentence with the remedy, and leaves no file', async (t) => {
  const { folder } = await store(t);
  writeFileSync(join(folder, 'no.pprof'), 'no profile');
  writeFileSync(join(folder, 'empty.pprof'), '');
  buildProfile(join(folder, 'nothing.pprof'), TYPES, []);
  buildProfile(join(folder, 'a.pprof'), TYPES, FIRST);
  const kept = ['--store', 'kept', '--service'];
  const cases: [args: string[], sentence: RegExp][] = [
    [['--store', 'kept'], /name a service with --service; there is bill, shop/],
    [[...kept, 'nobody'], /no service "nobody"; there is bill, shop/],
    [
      [...kept, 'shop', '--last', '1s'],
      /there are no samples of "shop" from \S+ to \S+\. Choose another range/,
    ],
    [
      [...kept, 'shop', '--where', 'x:y'],
      /no samples of "shop" from \S+ to \S+ with these labels and tags\. Choose/,
    ],
    [
      [...kept, 'shop', '--type', 'heap'],
      /"shop" has no values of type "heap"; it has "sample", "wall", "cpu"/,
    ],
    [[...kept, 'shop', '--last', 'soon'], /--last "soon" is no length of time: give 30s, 15m, 6h or 2d/],
    [
      [...kept, 'shop', '--last', '1h', '--from', '2h'],
      /--last is a range of its own: leave out --from and --to/,
    ],
    [['--store', 'nowhere'], /nowhere/],
    [['no.pprof'], /no\.pprof cannot be shown: .* Accepted are pprof, /],
    [['empty.pprof'], /empty\.pprof cannot be shown: .* Accepted are pprof, /],
    [['nothing.pprof'], /there are no samples of "nothing\.pprof"/],
    [['gone.pprof'], /cannot read gone\.pprof: .* Check its name/],
    [['a.pprof', '-o', 'a.pprof'], /a\.pprof is the profile a\.pprof itself\. Name another file with -o/],
    [
      ['a.pprof', '-o', 'no/such/folder.html'],
      /cannot write no\/such\/folder\.html: .* Name another file with -o/,
    ],
    [['a.pprof', '--html', '--pprof'], /option '--html' cannot be used with option '--pprof'/],
  ];
  for (const [args, sentence] of cases) {
    const said = await refused(folder, ...args);
    t.regex(said, sentence, args.join(' '));
    t.regex(said, /^1 everflame: error: [^\n]+(\nRun "everflame|$)/, said);
    t.false(existsSync(join(folder, 'report.html')), args.join(' '));
  }
  t.is(readProfile(join(folder, 'a.pprof')).samples.length, 3);
});

test('a report may go to standard output, with what is said beside it', async (t) => {
  const folder = twoFiles(t);
  const { stdout, stderr, code } = await run(
    'sh',
    ['-c', `"${process.execPath}" "${CLI}" export a.pprof -o - | cat`],
    { cwd: folder },
  );
  t.is(code, 0, stderr);
  t.true(stdout.startsWith('<!doctype html>'));
  t.true(stdout.trimEnd().endsWith('</html>'));
  t.regex(stderr, /^\/dev\/stdout: a\.pprof, sample 4/);
});

test('help names every form and what is private', async (t) => {
  const { stdout } = await everflame(['export', '--help']);
  for (const word of [
    '--html',
    '--pprof',
    '--collapsed',
    '--speedscope',
    '--strip',
    'report.html',
    'are private',
  ])
    t.true(stdout.includes(word), word);
});
