/** Where the time went, of what the store has. */
import { join } from 'node:path';
import test from 'ava';
import { fillStore, type GivenProfile } from '../support/fill-store.js';
import { temporaryFolder } from '../support/folder.js';
import { everflame } from '../support/spawn.js';

const NOW = Date.now();
const MINUTE = 60_000;
const TYPES: [string, string][] = [
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const main = { name: 'main', file: '/app/main.js', line: 9, startLine: 1 };
const parse = { name: 'parse', file: '/app/node_modules/lex/parse.js', line: 7, startLine: 5 };

/** Values are primes, so that no wrong sum looks right. */
const STORED: GivenProfile[] = [
  {
    from: NOW - 90 * MINUTE,
    to: NOW - 89 * MINUTE,
    tags: { version: '1.1' },
    types: TYPES,
    samples: [
      { values: [2, 3], stack: [main, parse], thread: 'Main Event Loop' },
      { values: [5, 7], stack: [main], thread: 'Worker #1 Event Loop' },
    ],
  },
  {
    from: NOW - 10 * MINUTE,
    to: NOW - 9 * MINUTE,
    tags: { version: '1.2' },
    types: TYPES,
    samples: [{ values: [11, 13], stack: [main, parse, parse], thread: 'Main Event Loop' }],
  },
];

interface Top {
  service: string;
  type: string;
  total: number;
  rows: { name: string; location: string; self: number; total: number }[];
  more: number;
}

test('the store is asked where no file is named, by every grouping', async (t) => {
  const folder = temporaryFolder(t);
  await fillStore(folder, STORED);
  const rowsOf = async (...args: string[]) => {
    const { code, stdout, stderr } = await everflame(['top', '--json', ...args], { cwd: folder });
    if (code !== 0) throw new Error(stderr);
    const top = JSON.parse(stdout) as Top;
    t.like(top, { service: 'shop', more: 0 });
    return [top.total, ...top.rows.map(({ name, location, self, total }) => [name, location, self, total])];
  };
  const [atMain, atParse] = ['/app/main.js:1', '/app/node_modules/lex/parse.js:5'];
  t.deepEqual(await rowsOf(), [23, ['parse', atParse, 16, 16], ['main', atMain, 7, 23]]);
  t.deepEqual(await rowsOf('--last', '30m'), [13, ['parse', atParse, 13, 13], ['main', atMain, 0, 13]]);
  t.deepEqual(await rowsOf('--to', '1h'), [10, ['main', atMain, 7, 10], ['parse', atParse, 3, 3]]);
  t.deepEqual(await rowsOf('--where', 'version:1.2'), [
    13,
    ['parse', atParse, 13, 13],
    ['main', atMain, 0, 13],
  ]);
  t.deepEqual(await rowsOf('--type', 'wall', '--by', 'package'), [
    18,
    ['lex', '', 13, 13],
    ['(your code)', '', 5, 18],
  ]);
  t.deepEqual((await rowsOf('--by', 'file')).slice(1), [
    ['/app/node_modules/lex/parse.js', '', 16, 16],
    ['/app/main.js', '', 7, 23],
  ]);
  t.deepEqual((await rowsOf('--by', 'line')).slice(1), [
    ['parse', '/app/node_modules/lex/parse.js:7', 16, 16],
    ['main', '/app/main.js:9', 7, 23],
  ]);
  const threads = [
    ['Main Event Loop', '', 16, 16],
    ['Worker #1 Event Loop', '', 7, 7],
  ];
  t.deepEqual((await rowsOf('--by', 'thread')).slice(1), threads);
  t.deepEqual((await rowsOf('--by', 'thread name')).slice(1), threads);
  t.deepEqual((await rowsOf('--by', 'version')).slice(1), [
    ['1.2', '', 13, 13],
    ['1.1', '', 10, 10],
  ]);
});

test('as a table: of what, in which time, and a label has no figures of its own', async (t) => {
  const folder = temporaryFolder(t);
  await fillStore(folder, STORED);
  const top = async (...args: string[]) => (await everflame(['top', ...args], { cwd: folder })).stdout;
  t.regex(
    await top('--limit', '1'),
    /^cpu: 23 ns of shop, \d{4}-\S+Z to \d{4}-\S+Z, by function\n\n +self +total +function +where\n16 ns {2}69\.6 % {2}16 ns {2}69\.6 % {2}parse +lex\/parse\.js:5\n\n1 more row; --limit 2 shows it\.\n$/,
  );
  t.regex(await top('--by', 'thread'), /\n\ntotal +thread\n16 ns {2}69\.6 % {2}Main Event Loop\n/);
  t.regex(await top('--last', '1m'), /\n\nno samples\n$/);
});

test('a key that no sample has is told of as such, and no other', async (t) => {
  const folder = temporaryFolder(t);
  await fillStore(folder, STORED);
  const said = async (...args: string[]) => (await everflame(args, { cwd: folder })).stdout;
  const slip =
    /\(none\)\n\nNo sample has vers\\nion as a label or tag\. "everflame query labels" lists what there is\.\n$/;
  t.regex(await said('top', '--by', 'vers\nion'), slip);
  t.regex(await said('query', 'table', '--by', 'vers\nion'), slip);
  for (const words of [['top'], ['query', 'table']])
    t.notRegex(await said(...words, '--by', 'version'), /No sample has/);
});

test('what is asked of the wrong one of the two is told', async (t) => {
  const folder = temporaryFolder(t);
  const fails = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await everflame(['top', ...args], { cwd: folder });
    t.deepEqual([code, stdout], [1, ''], args.join(' '));
    return stderr;
  };
  t.regex(
    await fails(),
    /there is no store in .*\.everflame.store yet: everflame view or everflame dev makes one/,
  );
  t.regex(await fails('a.pprof', '--last', '5m'), /--last is about the store, and files are named/);
  t.regex(await fails('a.pprof', '--where', 'a:b'), /--where is about the store, and files are named/);
  t.regex(
    await fails('a.pprof', '--by', 'version'),
    /--by "version" is not for files: give function, line, file, package, thread\./,
  );
  await fillStore(folder, [...STORED, { ...(STORED[0] as GivenProfile), service: 'cart' }]);
  t.regex(await fails(), /name a service with --service; there is cart, shop/);
  t.regex(
    await fails('--service', 'shop', '--last', 'soon'),
    /--last "soon" is no length of time: give 30s, 15m/,
  );
  t.regex(await fails('--service', 'shop', '--last', '1h', '--to', 'now'), /--last is a range of its own/);
  t.regex(await fails('--service', 'shop', '--from', '5'), /--from "5" is no time: give 15m/);
  t.regex(await fails('--service', 'shop', '--type', 'heap'), /no values of type "heap"; it has wall, cpu/);
  const { stdout } = await everflame(['top', '--service', 'cart', '--store', join('.everflame', 'store')], {
    cwd: folder,
  });
  t.regex(stdout, /^cpu: 10 ns of cart, /);
});
