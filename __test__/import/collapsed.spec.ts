/** Collapsed stacks: a line each, from files whose sums are known. */
import test from 'ava';
import { foldedStacks } from '../support/pprof.js';
import { add, converted, openFiles, reason, table, totals, WRITTEN } from './support/shown.js';

test('lines come to the sums of the file, and names may have spaces', async (t) => {
  const files = openFiles(t);
  const text = 'main;work 3\nmain;work;operator new (unsigned long) 5\n\nmain;work 7\r\n# a remark\nmain 11';
  const shown = await add(files, 'stacks.txt', text);
  t.deepEqual(totals(shown), { sample: '26 count' });
  t.like(shown, { format: 'collapsed', from: WRITTEN, to: WRITTEN });
  t.deepEqual(Object.fromEntries(foldedStacks(converted('a', text), 'sample')), {
    main: 11,
    'main;work': 10,
    'main;work;operator new (unsigned long)': 5,
  });
});

test('where a name tells a file and a line, they are the frame’s', async (t) => {
  const files = openFiles(t);
  const lines = [
    'main (/app/main.js:12:3);next /app/node_modules/express/lib/router.js:7:9;readSync (node:fs:501:3) 2',
    'run (app.py:33);[libc.so.6];(idle) 3',
    'plain name 5',
  ];
  await add(files, 'stacks.txt', lines.join('\n'));
  const { rows } = await table(files, 'stacks.txt', 'sample');
  t.deepEqual(rows.map(({ name, file, kind, package: from }) => [name, file, kind, from]).sort(), [
    ['(idle)', '', 'node', 'node'],
    ['[libc.so.6]', '', 'native', '(not known)'],
    ['main', '/app/main.js', 'app', '(your code)'],
    ['next', '/app/node_modules/express/lib/router.js', 'package', 'express'],
    ['plain name', '(no file)', 'app', '(your code)'],
    ['readSync', 'node:fs', 'node', 'node'],
    ['run', 'app.py', 'app', '(your code)'],
  ]);
});

test('numbers with fractions add up to the whole', (t) => {
  const text = Array.from({ length: 1000 }, (_, index) => `main;f${index % 3} 0.1`).join('\n');
  const [profile] = converted('a', text);
  t.is(
    profile?.samples.reduce((sum, { values }) => sum + (values[0] ?? 0), 0),
    100,
  );
});

for (const [title, text, sentence] of [
  ['a line without a number', 'a;b 1\na;c\n', 'line 2 has no stack and number: "a;c"'],
  ['a number without a stack', 'a;b 1\n12\n', 'line 2 has no stack and number: "12"'],
  ['a value below zero', 'a;b -1', 'line 1 has the value -1'],
  ['a value that is none', 'a;b NaN', 'line 1 has the value NaN'],
  ['an endless value', 'a;b 1e999', 'line 1 has the value 1e999'],
  [
    'an absurd value',
    'a;b 1e300',
    'its values add up to more than 9,007,199,254,740,991 samples, which no counter is exact to',
  ],
  ['remarks alone', '# nothing\n', 'it has no line with a stack'],
  ['nothing of anything', 'a;b 0\n', 'its values add up to less than one'],
  [
    'the difference of two profiles',
    'a;b 1 2\na;c 3 4\n',
    'each line has two numbers at its end, which is the difference of two profiles: give each of them by itself',
  ],
  [
    'a stack that is too deep',
    `${'a;'.repeat(20_000)}b 1`,
    'the stack of line 1 has more than 16,384 frames',
  ],
])
  test(`refused: ${title}`, (t) => {
    t.is(reason(text as string), `read as collapsed stacks, ${sentence}`);
  });
