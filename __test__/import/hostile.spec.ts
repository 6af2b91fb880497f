/** What is no profile, or is made to harm whoever reads it: each has its sentence, and costs no more than is allowed. */
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { ACCEPTED, NotImportable } from '#src/import/not-importable.js';
import { encodeProfile } from '../support/build-profile.js';
import { cpuProfile, SMALL } from './support/cpuprofile.js';
import { add, converted, openFiles, reason, table, totals } from './support/shown.js';

const SPEEDSCOPE = {
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  shared: { frames: [{ name: 'main' }] },
  profiles: [{ type: 'sampled', unit: 'none', startValue: 0, endValue: 2, samples: [[0]], weights: [2] }],
};
const HEAP = {
  head: { callFrame: { functionName: 'f', url: '' }, selfSize: 5, id: 1, children: [] },
};
const CPU = JSON.stringify(cpuProfile(SMALL, [2, 3], [10, 20]));

async function refusal(
  t: ExecutionContext,
  content: string | Buffer,
  limits?: { mebibytes: number; milliseconds: number },
) {
  const files = openFiles(t, limits);
  return (await t.throwsAsync(add(files, 'file', content), { instanceOf: NotImportable }))?.message;
}

test('what a file is stands in it, whatever it is called', async (t) => {
  const files = openFiles(t);
  const pprof = encodeProfile([['cpu', 'nanoseconds']], [{ values: [7], stack: [{ name: 'f' }] }]);
  for (const [name, content, format, sums] of [
    ['a.txt', CPU, 'cpuprofile', { sample: '2 count' }],
    ['b.json', JSON.stringify(HEAP), 'heapprofile', { inuse_space: '5 bytes' }],
    ['c.cpuprofile', JSON.stringify(SPEEDSCOPE), 'speedscope', { sample: '2 count' }],
    ['d.pprof', 'main;work 3', 'collapsed', { sample: '3 count' }],
    ['e.cpuprofile', pprof, 'pprof', { cpu: '7 nanoseconds' }],
    ['f', `\n\n  ${CPU.replace('5000000', '6000000')}`, 'cpuprofile', { sample: '2 count' }],
    ['g', `\u{feff}${CPU}`, 'cpuprofile', { sample: '2 count' }],
    ['h.gz', gzipSync(CPU), 'cpuprofile', { sample: '2 count' }],
    ['i.gz', gzipSync('main;work 4'), 'collapsed', { sample: '4 count' }],
    ['j', '\u{feff}main;work 5', 'collapsed', { sample: '5 count' }],
    ['k', 'größe;日本語 6', 'collapsed', { sample: '6 count' }],
  ] as [string, string | Buffer, string, Record<string, string>][]) {
    const shown = await add(files, name, content);
    t.is(shown.format as string, format, name);
    t.like(totals(shown), sums, name);
    t.is(shown.service, name);
  }
  t.deepEqual(
    (await table(files, 'k', 'sample')).rows.map(({ name }) => name),
    ['日本語', 'größe'],
  );
});

test('the same bytes are shown once, and other ones of the same name under a name of their own', async (t) => {
  const files = openFiles(t);
  t.like(await add(files, 'a', 'main 1'), { service: 'a', again: false });
  t.like(await add(files, 'b', 'main 1'), { service: 'a', again: true });
  t.like(await add(files, 'a', 'main 2'), { service: 'a (2)', again: false });
  t.like(await add(files, 'a', 'main 3'), { service: 'a (3)', again: false });
  await t.throwsAsync(add(files, 'c', 'nothing'));
  t.like(await add(files, 'c', 'main 4'), { service: 'c' }, 'a name that was not used is free');
});

test('a file that ends early', (t) => {
  for (const whole of [CPU, JSON.stringify(HEAP), JSON.stringify(SPEEDSCOPE)])
    for (let length = 1; length < whole.length; length += 7)
      t.is(
        reason(whole.slice(0, length)),
        `read as JSON, it ends in the middle, at character ${length.toLocaleString('en')}: it was not written or copied whole`,
      );
});

test('changed bytes are read or refused, and nothing else', (t) => {
  for (const whole of [CPU, JSON.stringify(HEAP), JSON.stringify(SPEEDSCOPE), 'a;b 12\nc 3\n'])
    for (let place = 0; place < whole.length; place += 3)
      for (const byte of ['\0', '9', '"', '-', '}', 'e'])
        try {
          converted('file', whole.slice(0, place) + byte + whole.slice(place + 1));
        } catch (error) {
          t.true(error instanceof NotImportable, `${(error as Error).stack}`);
        }
  t.pass();
});

for (const [title, content, sentence] of [
  ['nothing', '', 'it is empty'],
  ['a list', '[1]', 'read as JSON, it is no object but a list'],
  ['an empty object', '{}', 'read as JSON, it is empty'],
  [
    'another object',
    '{"name": "x", "version": 1}',
    'read as JSON, it has "name", "version" and is of no known kind',
  ],
  [
    'a trace of Chrome',
    '{"traceEvents": []}',
    'read as JSON, it is a trace of Chrome: save its CPU profile instead',
  ],
  [
    'a heap snapshot',
    '{"snapshot": {}, "nodes": [], "edges": []}',
    'read as JSON, it is a heap snapshot, which has objects and no stacks: record a heap profile instead (node --heap-prof)',
  ],
  [
    'a CPU profile of old',
    '{"head": {"functionName": "(root)"}, "timestamps": [], "samples": []}',
    'read as JSON, it is a CPU profile of the form that V8 wrote before 2016: record it with a newer Node.js',
  ],
  [
    'a text',
    'Dear all,\nhow are you?',
    'read as collapsed stacks, line 1 has no stack and number: "Dear all,"',
  ],
  ['half of a gzip', gzipSync(CPU).subarray(0, 200), 'read as gzip, it is damaged or ends in the middle'],
] as [string, string | Buffer, string][])
  test(`refused: ${title}`, async (t) => {
    t.is(await refusal(t, content), sentence);
  });

test('refused: no JSON from a place on', (t) => {
  const sentence = reason('{"nodes": [1,\n 2, oops]}');
  // As this release of V8 tells it.
  t.regex(
    sentence,
    /^read as JSON, it is not valid(: "Unexpected token 'o'| from character 19 on \(line 2\): "oops]}"$)/,
  );
});

test('refused: bytes of any kind, by the reader of pprof', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 2_654_435_761) >>> 24));
  t.regex((await refusal(t, bytes)) ?? '', /^it is no profile: /);
  t.regex((await refusal(t, Buffer.alloc(100))) ?? '', /^it is no profile: /);
});

test('refused: a few bytes that become a gigabyte', async (t) => {
  const piece = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '), { level: 9 });
  const head = gzipSync('{"nodes":[');
  // Parts of one gzip file, one behind the other (RFC 1952, section 2.2).
  const bomb = Buffer.concat([head, ...Array.from({ length: 16 }, () => piece)]);
  t.true(bomb.length < 2 * 1024 * 1024);
  t.is(await refusal(t, bomb), 'unpacked, it has more than 256 MiB');
});

test('refused: more objects than can be read, before they are', async (t) => {
  t.is(
    await refusal(t, `{"nodes":[${'[],'.repeat(7_000_000)}0]}`),
    'read as JSON, it has 7,000,002 objects and lists and 7,000,000 values beside each other, more than can be read: record a shorter time',
  );
});

test('refused: what needs more memory than the process that reads it may have', async (t) => {
  const sentence = await refusal(t, `{"nodes":[${'{},'.repeat(3_000_000)}0]}`, {
    mebibytes: 32,
    milliseconds: 120_000,
  });
  t.is(sentence, 'reading it takes more than 32 MiB of memory: record a shorter time');
});

test('refused: what takes more time than it may', async (t) => {
  t.is(
    await refusal(t, CPU, { mebibytes: 256, milliseconds: 1 }),
    'reading it takes more than 0.001 s: record a shorter time',
  );
});

test('names are texts, whatever stands in them', async (t) => {
  const files = openFiles(t);
  const names = [
    '<script>alert(1)</script>',
    '__proto__',
    'constructor',
    'a\u2028b\n\tc',
    '"; DROP TABLE block; --',
    '\ud800',
    'x'.repeat(5000),
  ];
  const frames = names.map((name) => ({ name }));
  const profiles = [
    {
      ...SPEEDSCOPE.profiles[0],
      name: '<img src=x onerror=alert(1)>',
      samples: names.map((_, index) => [index]),
      weights: names.map(() => 1),
    },
  ];
  await add(files, '<b>', JSON.stringify({ ...SPEEDSCOPE, shared: { frames }, profiles }));
  const { rows } = await table(files, '<b>', 'sample');
  // What is no character in UTF-8 has a sign in its place.
  t.deepEqual(
    rows.map(({ name }) => name).sort(),
    names.map((name) => name.replace('\ud800', '\ufffd')).sort(),
  );
  const threads = await table(files, '<b>', 'sample', 'thread name');
  t.deepEqual(
    threads.rows.map(({ name }) => name),
    ['<img src=x onerror=alert(1)>'],
  );
});

test('a folder for files goes with them', async (t) => {
  t.regex(ACCEPTED, /pprof, \.cpuprofile and \.heapprofile of V8, speedscope JSON and collapsed stacks/);
  const files = openFiles(t);
  const waiting = add(files, 'a', 'main 1');
  await files.close();
  await t.throwsAsync(waiting, {
    message: /the collector ends|the process that reads it ended with SIGKILL/,
  });
});
