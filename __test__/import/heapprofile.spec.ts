/** V8's `.heapprofile`: bytes by stack, from files whose sums are known. */
import test from 'ava';
import { foldedStacks } from '../support/pprof.js';
import { add, converted, openFiles, reason, table, totals, WRITTEN } from './support/shown.js';

interface GivenNode {
  name: string;
  size: unknown;
  url?: string;
  line?: number;
  children?: unknown;
}

let id = 0;
function node({ name, size, url = '', line = -1, children = [] }: GivenNode): Record<string, unknown> {
  id += 1;
  const callFrame = {
    functionName: name,
    scriptId: url === '' ? '0' : '7',
    url,
    lineNumber: line,
    columnNumber: 0,
  };
  return { callFrame, selfSize: size, id, children };
}

const HEAP = {
  head: node({
    name: '(root)',
    size: 3,
    children: [
      node({
        name: 'load',
        size: 0,
        url: 'file:///app/load.js',
        line: 4,
        children: [
          node({ name: 'parse', size: 1009, url: 'file:///app/node_modules/pkg/parse.js', line: 0 }),
          node({ name: 'keep', size: 2003, url: 'file:///app/load.js', line: 8 }),
        ],
      }),
      node({ name: 'keep', size: 4001, url: 'file:///app/load.js', line: 8 }),
      node({ name: '(V8 API)', size: 7 }),
    ],
  }),
  samples: [{ size: 1009, nodeId: 3, ordinal: 1 }],
};

test('bytes stand where they were allocated, and add up to those of the file', async (t) => {
  const files = openFiles(t);
  const shown = await add(files, 'a.heapprofile', JSON.stringify(HEAP));
  t.deepEqual(totals(shown), { inuse_space: `${3 + 1009 + 2003 + 4001 + 7} bytes` });
  t.like(shown, { format: 'heapprofile', from: WRITTEN, to: WRITTEN, profiles: 1 });
  t.deepEqual(Object.fromEntries(foldedStacks(converted('a', HEAP), 'inuse_space')), {
    '(root)': 3,
    'load;parse': 1009,
    'load;keep': 2003,
    keep: 4001,
    '(V8 API)': 7,
  });
  const { rows } = await table(files, 'a.heapprofile', 'inuse_space');
  const keep = rows.find(({ name }) => name === 'keep');
  t.like(keep, { self: 6004, total: 6004, file: '/app/load.js', line: 9 });
  t.like(
    rows.find(({ name }) => name === 'parse'),
    { package: 'pkg', line: 1 },
  );
});

test('bytes with fractions add up to the whole', (t) => {
  const children = Array.from({ length: 1000 }, () => node({ name: 'f', size: 0.3, url: 'file:///a.js' }));
  const [profile] = converted('a', { head: node({ name: '(root)', size: 0, children }) });
  t.is(
    profile?.samples.reduce((sum, { values }) => sum + (values[0] ?? 0), 0),
    300,
  );
});

for (const [title, head, sentence] of [
  ['bytes below zero', node({ name: 'f', size: -1 }), /^node \d+ has -1 bytes of its own$/],
  ['bytes that are a text', node({ name: 'f', size: '12' }), /^node \d+ has "12" bytes of its own$/],
  [
    'more bytes than can be counted',
    node({ name: 'f', size: 1e300 }),
    /^its values add up to more than 9,007,199,254,740,991 bytes/,
  ],
  [
    'children that are no list',
    node({ name: 'f', size: 1, children: 5 }),
    /^the children of node \d+ are no list$/,
  ],
  [
    'a child that is no node',
    node({ name: 'f', size: 1, children: [5] }),
    /^a child of node \d+ is no node$/,
  ],
  ['a node without a function', { selfSize: 1, children: [] }, /^node undefined has no callFrame$/],
  ['no bytes at all', node({ name: '(root)', size: 0 }), /^nothing that was allocated is in it$/],
] as [string, Record<string, unknown>, RegExp][])
  test(`refused: ${title}`, (t) => {
    const said = reason({ head });
    t.true(said.startsWith('read as a heap profile of V8, '), said);
    t.regex(said.slice('read as a heap profile of V8, '.length), sentence);
  });

test('refused: stacks that are too deep', (t) => {
  // JSON.stringify would need a stack as deep.
  const open = '{"callFrame":{"functionName":"f","url":""},"selfSize":0,"id":1,"children":[';
  const text = `{"head":${open.repeat(20_000)}${']}'.repeat(20_000)}}`;
  t.is(reason(text), 'read as a heap profile of V8, the stack of node 1 has more than 16,384 frames');
});
