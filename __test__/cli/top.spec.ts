import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { top } from '#src/cli/top.js';
import { classify, packageOfPath } from '#src/profile/classify.js';
import { buildProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { CLI, everflame, run } from '../support/spawn.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const main = { name: 'main', file: '/app/main.js', line: 9, startLine: 1 };
const render = { name: 'render', file: '/app/node_modules/@scope/md/lib/render.js', line: 31, startLine: 30 };
const parse = {
  name: 'parse',
  file: '/app/node_modules/md/node_modules/lex/parse.js',
  line: 7,
  startLine: 5,
};
const emit = { name: 'emit', file: 'node:events', line: 510, startLine: 460 };
const memcpy = { name: 'memcpy', module: '/usr/lib/libc.so.6' };
const MAIN = 'Main Event Loop';

/** Two files whose sums are products of primes, so that no wrong sum looks right. */
function twoFiles(t: ExecutionContext): { folder: string; files: string[] } {
  const folder = temporaryFolder(t);
  const files = ['a.pprof', 'b.pprof'].map((name) => join(folder, name));
  buildProfile(files[0] as string, TYPES, [
    { values: [2, 3e6, 5e6], stack: [main, render, parse], thread: MAIN },
    { values: [1, 7e6, 11e6], stack: [main, render], thread: MAIN },
    // Recursive: `parse` is three times in the stack and counts once.
    { values: [1, 13e6, 17e6], stack: [main, parse, parse, parse], thread: 'Worker #1 Event Loop' },
  ]);
  buildProfile(files[1] as string, TYPES, [
    { values: [4, 19e6, 23e6], stack: [main, emit, memcpy], thread: MAIN },
    { values: [3, 29e6, 0], stack: [], thread: 'node-V8Worker' },
  ]);
  return { folder, files };
}

interface Row {
  name: string;
  location: string;
  self: number;
  total: number;
}

async function rowsOf(
  files: string[],
  ...args: string[]
): Promise<{ total: number; type: string; rows: Row[] }> {
  const end = await everflame(['top', ...files, '--json', ...args]);
  if (end.code !== 0) throw new Error(end.stderr);
  return JSON.parse(end.stdout) as { total: number; type: string; rows: Row[] };
}

test.serial('totals are the sums of the files, by every grouping and every kind of value', async (t) => {
  const { files } = twoFiles(t);
  const sums = { sample: 11, wall: 71e6, cpu: 56e6 };
  for (const by of ['function', 'line', 'file', 'package', 'thread']) {
    for (const [type, sum] of Object.entries(sums)) {
      const { total, rows } = await rowsOf(files, '--by', by, '--type', type);
      t.is(total, sum, `${by} ${type}`);
      t.is(
        rows.reduce((before, row) => before + row.self, 0),
        sum,
        `self by ${by} ${type}`,
      );
      t.true(
        rows.every((row) => row.self <= row.total && row.total <= sum),
        `${by} ${type}`,
      );
    }
  }
});

test.serial('CPU time is what is shown unless something else is asked for', async (t) => {
  const { files } = twoFiles(t);
  t.is((await rowsOf(files)).type, 'cpu');
  buildProfile(files[0] as string, TYPES.slice(0, 2), [{ values: [1, 7e6], stack: [main] }]);
  const { type, total } = await rowsOf(files);
  t.is(type, 'wall');
  t.is(total, 7e6 + 48e6);
  // Neither of the two usual ones is in both.
  buildProfile(files[1] as string, TYPES.slice(0, 1), [{ values: [5], stack: [main] }]);
  t.like(await rowsOf(files), { type: 'sample', total: 6 });
  buildProfile(files[1] as string, [['heap', 'bytes']], [{ values: [5], stack: [main] }]);
  const end = await everflame(['top', ...files]);
  t.is(end.code, 1);
  t.is(
    end.stderr,
    `everflame: error: no kind of value is in all files: ${files[0]} has sample, wall; ${files[1]} has heap. Name files of one kind\n`,
  );
});

test.serial('values of one name in different units are not added up', async (t) => {
  const { files } = twoFiles(t);
  const [first, second] = files as [string, string];
  buildProfile(
    second,
    [
      ['sample', 'count'],
      ['cpu', 'microseconds'],
    ],
    [{ values: [1, 7], stack: [main] }],
  );
  for (const command of [['top'], ['flame', '-o', '/dev/null']]) {
    const end = await everflame([...command, ...files]);
    t.is(end.code, 1);
    t.is(
      end.stderr,
      `everflame: error: ${second} has "cpu" in microseconds and ${first} in nanoseconds: they cannot be added. Name files of one kind, or another --type\n`,
    );
  }
  t.is((await rowsOf(files, '--type', 'sample')).total, 5);
});

test.serial('native code without a name is unknown, a function without one is anonymous', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  buildProfile(file, TYPES, [
    { values: [1, 2, 2], stack: [{ name: '[unknown]', module: '/lib/stripped.so' }] },
    { values: [1, 3, 3], stack: [{ name: '', module: '/lib/foreign.so' }] },
    { values: [1, 5, 5], stack: [{ name: '[unknown]' }] },
    { values: [1, 7, 7], stack: [{ name: '', file: '/app/f.js', startLine: 3 }] },
  ]);
  const { rows } = await rowsOf([file]);
  t.deepEqual(
    rows.map(({ name, location, self }) => [name, location, self]),
    [
      ['(anonymous)', '/app/f.js:3', 7],
      ['[unknown]', '', 5],
      ['[unknown]', '/lib/foreign.so', 3],
      ['[unknown]', '/lib/stripped.so', 2],
    ],
  );
});

test.serial('a long name is cut in its middle, between characters', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  for (const [name, shown] of [
    [`${'🔥'.repeat(50)}${'é'.repeat(50)}`, `${'🔥'.repeat(30)}…${'é'.repeat(29)}`],
    ['x'.repeat(60), 'x'.repeat(60)],
  ] as const) {
    buildProfile(file, TYPES, [{ values: [1, 7, 7], stack: [{ name, file: '/f.js' }] }]);
    const { stdout } = await everflame(['top', file]);
    t.true(stdout.includes(` ${shown} `), stdout);
  }
});

test.serial('by function: self is the leaf, total counts a recursive function once', async (t) => {
  const { files } = twoFiles(t);
  const { rows } = await rowsOf(files);
  const row = (name: string) => rows.find((candidate) => candidate.name === name);
  t.like(row('parse'), { self: 22e6, total: 22e6, location: `${parse.file}:5` });
  t.like(row('render'), { self: 11e6, total: 16e6 });
  t.like(row('main'), { self: 0, total: 56e6 });
  t.like(row('memcpy'), { self: 23e6, total: 23e6, location: memcpy.module });
});

test.serial('by line: the executing line, not the start of the function', async (t) => {
  const { files } = twoFiles(t);
  const { rows } = await rowsOf(files, '--by', 'line');
  t.deepEqual(
    rows.map((row) => row.location).sort(),
    [`${main.file}:9`, `${render.file}:31`, `${parse.file}:7`, 'node:events:510', memcpy.module].sort(),
  );
});

test.serial('by package and by thread', async (t) => {
  const { files } = twoFiles(t);
  const packages = (await rowsOf(files, '--by', 'package')).rows;
  t.deepEqual(
    packages.map(({ name, self, total }) => [name, self, total]),
    [
      ['libc.so.6', 23e6, 23e6],
      ['lex', 22e6, 22e6],
      ['@scope/md', 11e6, 16e6],
      ['(your code)', 0, 56e6],
      ['node', 0, 23e6],
    ],
  );
  const threads = (await rowsOf(files, '--by', 'thread', '--type', 'wall')).rows;
  t.deepEqual(
    threads.map(({ name, self }) => [name, self]),
    [
      [MAIN, 29e6],
      ['node-V8Worker', 29e6],
      ['Worker #1 Event Loop', 13e6],
    ],
  );
});

test.serial('the table: aligned columns, shares, the limit and how to see the rest', async (t) => {
  const { files } = twoFiles(t);
  const end = await everflame(['top', ...files, '--limit', '2']);
  t.is(
    end.stdout,
    [
      'cpu: 56.0 ms in 2 files, by function',
      '',
      '   self            total          function  where',
      '23.0 ms  41.1 %  23.0 ms  41.1 %  memcpy    /usr/lib/libc.so.6',
      '22.0 ms  39.3 %  22.0 ms  39.3 %  parse     lex/parse.js:5',
      '',
      '3 more rows; --limit 5 shows them.',
      '',
    ].join('\n'),
  );
});

test.serial('one row that is left out is one row, and a line below zero is none', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  buildProfile(file, TYPES, [
    { values: [1, 1, 2], stack: [{ ...main, line: -1, startLine: -1 }], thread: MAIN },
    { values: [1, 1, 1], stack: [{ ...render, line: -1 }], thread: MAIN },
  ]);
  const end = await everflame(['top', file, '--by', 'line', '--limit', '1']);
  t.regex(end.stdout, /\/app\/main\.js\n\n1 more row; --limit 2 shows it\.\n$/);
});

test.serial('a difference of two profiles has signed values, the largest change first', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  buildProfile(file, TYPES, [
    { values: [1, 3e6, 5e6], stack: [main, render], thread: MAIN },
    { values: [-2, -7e6, -11e6], stack: [main, parse], thread: MAIN },
    { values: [1, 1, -(2 ** 53)], stack: [emit], thread: 'other' },
  ]);
  t.deepEqual(await rowsOf([file], '--by', 'thread').then(({ rows }) => rows.map(({ self }) => self)), [
    -(2 ** 53),
    -6e6,
  ]);
  buildProfile(file, TYPES, [
    { values: [1, 3e6, 5e6], stack: [main, render], thread: MAIN },
    { values: [-2, -7e6, -11e6], stack: [main, parse], thread: MAIN },
  ]);
  t.like(await rowsOf([file], '--type', 'sample'), { total: -1 });
  t.is(
    (await everflame(['top', file])).stdout,
    [
      'cpu: -6.00 ms (+5.00 ms -11.0 ms) in 1 file, by function',
      '',
      '    self              total           function  where',
      '-11.0 ms  -68.8 %  -11.0 ms  -68.8 %  parse     lex/parse.js:5',
      ' 5.00 ms   31.3 %   5.00 ms   31.3 %  render    @scope/md/lib/render.js:30',
      '    0 ns    0.0 %  -6.00 ms  -37.5 %  main      /app/main.js:1',
      '',
    ].join('\n'),
  );
});

test.serial('what a terminal would act on is shown as an escape, and JSON has it as it is', async (t) => {
  const { folder, files } = twoFiles(t);
  const [file] = files as [string, string];
  const name = 'red\u001b[31m\u0007\u009b\u202e';
  const path = '/app/a\r\nb\t.js';
  buildProfile(
    file,
    [['cp\u001bu', 'nanoseconds']],
    [{ values: [7], stack: [{ name, file: path, startLine: 3 }], thread: 'th\u007fread' }],
  );
  const end = await everflame(['top', file]);
  t.is(
    end.stdout,
    [
      'cp\\x1bu: 7 ns in 1 file, by function',
      '',
      'self           total           function                   where',
      '7 ns  100.0 %   7 ns  100.0 %  red\\x1b[31m\\x07\\x9b\\u202e  /app/a\\r\\nb\\t.js:3',
      '',
    ].join('\n'),
  );
  t.regex((await everflame(['top', file, '--by', 'thread'])).stdout, / th\\x7fread\n$/);
  t.like((await rowsOf([file])).rows[0], { name, location: `${path}:3` });
  const drawn = await everflame(['flame', file, '-o', 'a\u001b.svg'], { cwd: folder });
  t.regex(drawn.stdout, /^a\\x1b\.svg: cp\\x1bu, 7 ns\. .*\n$/);
  for (const words of [
    ['top', 'no\u001b\nfile'],
    ['top', file, '--type', 'no\u001b\ntype'],
    ['flame', file, '--thread', 'no\u001b\nthread'],
  ]) {
    const error = await everflame(words, { cwd: folder });
    t.regex(error.stderr, /^everflame: error: [ -~]*no\\x1b\\n[ -~]*\n$/);
  }
  const unknown = await everflame(['to\u001bp']);
  t.regex(unknown.stderr, /^everflame: error: unknown command 'to\\x1bp'\n/);
});

test.serial('JSON has all rows unless a limit is asked for, a table the first thirty', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  const samples = Array.from({ length: 37 }, (_, index) => ({
    values: [1, 1, 1],
    stack: [{ name: `f${index}`, file: '/app/many.js' }],
  }));
  buildProfile(file, TYPES, samples);
  t.is((await rowsOf([file])).rows.length, 37);
  t.is((await rowsOf([file], '--limit', '5')).rows.length, 5);
  const { stdout } = await everflame(['top', file]);
  t.is(stdout.match(/many\.js/g)?.length, 30);
  t.regex(stdout, /\n7 more rows; --limit 37 shows them\.\n$/);
  const help = (await everflame(['top', '--help'])).stdout.replace(/\s+/g, ' ');
  t.true(help.includes('--limit <rows> how many rows to print (default: 30, in JSON all)'), help);
});

test.serial('a value is shown in a unit that suits it, whatever the unit of the file', async (t) => {
  const { folder, files } = twoFiles(t);
  const [file] = files as [string, string];
  for (const [value, unit, shown] of [
    [6170, 'nanoseconds', '6.17 µs'],
    [6170, 'microseconds', '6.17 ms'],
    [6170, 'milliseconds', '6.17 s'],
    [6170, 'seconds', '6170 s'],
    [3, 'bytes', '3 B'],
    [617283945, 'kilobytes', '589 GiB'],
    [3, 'megabytes', '3.00 MiB'],
    [-3, 'gigabytes', '-3.00 GiB'],
    [6170, 'count', '6170'],
    [6170, '', '6170'],
    [6170, 'constructor', '6170 constructor'],
    [6170, 'li\u001btres', '6170 li\\x1btres'],
  ] as const) {
    buildProfile(file, [['v', unit]], [{ values: [value], stack: [main] }]);
    const [heading, , , row] = (await everflame(['top', file])).stdout.split('\n');
    t.true(heading?.startsWith(`v: ${shown} `), heading);
    t.true(row?.trimStart().startsWith(`${shown} `), row);
    if (value < 0) continue;
    const { stdout } = await everflame(['flame', file], { cwd: folder });
    t.true(stdout.startsWith(`flame.svg: v, ${shown}. `), stdout);
  }
});

test.serial('a table of more rows than a call takes arguments is whole', async (t) => {
  const file = join(temporaryFolder(t), 'wide.pprof');
  const count = 150_000;
  buildProfile(
    file,
    TYPES,
    Array.from({ length: count }, (_, index) => ({
      values: [1, 1, 1],
      stack: [{ name: `f${index}`, file: '/app/wide.js' }],
    })),
  );
  const text = await top([file], { by: 'function', limit: count }, 100);
  const lines = text.split('\n');
  t.is(lines.filter((line) => line.includes('wide.js')).length, count);
});

test.serial('a table without samples says so, and its JSON is whole', async (t) => {
  const { files } = twoFiles(t);
  const [file] = files as [string, string];
  buildProfile(file, TYPES, []);
  t.is((await everflame(['top', file])).stdout, 'cpu: 0 ns in 1 file, by function\n\nno samples\n');
  t.like(await rowsOf([file]), { type: 'cpu', total: 0, rows: [] });
});

test.serial(
  'places are short by the working directory and the package, and at a terminal by its width',
  async (t) => {
    const { folder, files } = twoFiles(t);
    const [file] = files as [string, string];
    const name = 'f';
    const deep = 'src/a/rather/deep/place/in/the/program';
    buildProfile(file, TYPES, [
      { values: [1, 5, 5], stack: [{ name, file: join(folder, deep, 'own.js'), startLine: 3 }] },
      { values: [1, 3, 3], stack: [{ name, file: `/app/node_modules/@s/p/${deep}/other.js`, startLine: 4 }] },
    ]);
    const piped = await everflame(['top', file], { cwd: folder });
    t.true(piped.stdout.includes(`  ${deep}/own.js:3\n`), piped.stdout);
    t.true(piped.stdout.includes(`  @s/p/${deep}/other.js:4\n`), piped.stdout);

    const lines = (await top([file], { by: 'function', limit: 5 }, 70)).split('\n').slice(2);
    t.is(Math.max(...lines.map((line) => line.length)), 70, lines.join('\n'));
    t.true(
      lines.slice(1).every((line) => / {2}\u2026\S*\/(own\.js:3|other\.js:4)$/.test(line)),
      lines.join('\n'),
    );
  },
);

test.serial('where a frame comes from', (t) => {
  t.is(packageOfPath('/a/node_modules/left-pad/index.js'), 'left-pad');
  t.is(packageOfPath('/a/node_modules/x/node_modules/@s/p/lib/a.js'), '@s/p');
  t.is(packageOfPath('C:\\app\\node_modules\\express\\lib\\a.js'), 'express');
  t.is(packageOfPath('/a/node_modules/.pnpm/md@1.0.0/node_modules/md/a.js'), 'md');
  t.is(packageOfPath('/a/node_modules/loose.js'), undefined);
  t.is(packageOfPath('/a/my_node_modules/x/a.js'), undefined);
  t.deepEqual(classify('(garbage collector)', '', ''), { kind: 'gc', package: 'node' });
  t.deepEqual(classify('read', 'node:fs', ''), { kind: 'node', package: 'node' });
  t.deepEqual(classify('ArrayMap', '', ''), { kind: 'node', package: 'node' });
  t.deepEqual(classify('hash', '', '/a/node_modules/argon2/argon2.node'), {
    kind: 'native',
    package: 'argon2.node',
  });
  t.deepEqual(classify('(everflame)', '', ''), { kind: 'native', package: '(not known)' });
  t.deepEqual(classify('f', '(eval)', ''), { kind: 'app', package: '(your code)' });
});

/** Some MiB of zeros in little space: gzip members follow each other. */
function zeros(mebibytes: number): Buffer {
  return Buffer.concat(Array(mebibytes).fill(gzipSync(Buffer.alloc(1 << 20))));
}

test.serial('what is no profile: one clear line and exit code 1', async (t) => {
  const { folder, files } = twoFiles(t);
  const put = (name: string, data: string | Uint8Array): string => {
    writeFileSync(join(folder, name), data);
    return join(folder, name);
  };
  const whole = readFileSync(files[0] as string);
  const bad = [
    [put('empty.pprof', ''), /is not a pprof profile: it is empty$/m],
    [put('empty.pprof.gz', gzipSync('')), /is not a pprof profile: it is empty$/m],
    [put('text.pprof', 'function burn() {}\n'.repeat(50)), /is not a pprof profile/],
    [
      put('object.json', '{"nodes": []}'),
      /is not a pprof profile: it is JSON\. "everflame view" shows .*"everflame export --pprof" turns them into pprof$/m,
    ],
    [put('cut.pprof', whole.subarray(0, whole.length / 2)), /is not a pprof profile: it ends in the middle/],
    [
      put('cut-raw.pprof', gunzipSync(whole).subarray(0, -3)),
      /is not a pprof profile: it ends in the middle: it is damaged, or was not copied whole$/m,
    ],
    [join(folder, 'missing.pprof'), /cannot read .*missing\.pprof: ENOENT/],
    [folder, /cannot read .*EISDIR.*\. Name the files in the folder: \/.*\/\*\.pprof$/m],
    [put('large.pprof.gz', zeros(513)), /is not a pprof profile: it has more than 512 MiB/],
    [put('zeros.pprof.gz', zeros(500)), /is not a pprof profile: it is damaged, or another kind of file$/m],
    // A type of values, then samples without anything, each of two bytes.
    [
      put(
        'many.pprof.gz',
        gzipSync(Buffer.concat([Buffer.from([10, 0]), Buffer.alloc(2 * 1_000_000, '\x12\0')])),
      ),
      /is not a pprof profile: it has more than 1000000 records/,
    ],
  ] as const;
  for (const [path, message] of bad) {
    for (const command of ['top', 'flame']) {
      const end = await everflame([command, files[0] as string, path], { cwd: folder });
      t.is(end.code, 1, `${command} ${path}`);
      t.is(end.stdout, '');
      t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
      t.regex(end.stderr, message);
      t.true(end.stderr.includes(path), end.stderr);
    }
  }
});

test.serial('a kind of value that a file lacks: the error names what there is', async (t) => {
  const { files } = twoFiles(t);
  const end = await everflame(['top', ...files, '--type', 'heap']);
  t.is(end.code, 1);
  t.regex(end.stderr, /has no values of type "heap"; it has sample, wall, cpu\n$/);
});

test.serial('bad options of top are refused with what is allowed', async (t) => {
  const { files } = twoFiles(t);
  const by = await everflame(['top', ...files, '--by', 'color']);
  t.is(by.code, 1);
  t.regex(
    by.stderr,
    /^everflame: error: --by "color" is not for files: give function, line, file, package, thread\./,
  );
  const limit = await everflame(['top', ...files, '--limit', '0']);
  t.is(limit.code, 1);
  t.regex(limit.stderr, /whole number from 1 on/);
});

test.serial('a reader that closes the pipe ends the command without a word', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'wide.pprof');
  const samples = Array.from({ length: 20_000 }, (_, index) => ({
    values: [1, 1, 1],
    stack: [{ name: `f${index}`, file: '/app/wide.js', startLine: index }],
  }));
  buildProfile(file, TYPES, samples);
  const child = spawn(process.execPath, [CLI, 'top', file, '--json', '--limit', '20000']);
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code, signal] = (await once(child, 'close')) as [number, string | null];
  t.deepEqual([code, signal, stderr], [0, null, '']);
});

test.serial('a full disk behind standard output is one line and exit code 1', async (t) => {
  const { files } = twoFiles(t);
  for (const command of [['top'], ['top', '--json'], ['flame', '-o', '/dev/null']]) {
    const words = [...command, ...files].map((word) => `'${word}'`).join(' ');
    const end = await run('sh', ['-c', `"$0" "$1" ${words} >/dev/full`, process.execPath, CLI]);
    t.is(end.code, 1, end.stderr);
    t.regex(end.stderr, /^everflame: error: cannot write to standard output: ENOSPC.*\n$/);
  }
});

test.serial('help and version tell the truth', async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.is((await everflame(['--version'])).stdout, `${version}\n`);
  const help = (await everflame(['--help'])).stdout;
  for (const command of ['run', 'top', 'flame']) {
    t.regex(help, new RegExp(`^  ${command} `, 'm'));
    const own = await everflame([command, '--help']);
    t.is(own.code, 0);
    t.regex(own.stdout, new RegExp(`^Usage: everflame ${command} `));
  }
  const unknown = await everflame(['tpo']);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /^everflame: error: unknown command 'tpo'\n\(Did you mean top\?/);
});
