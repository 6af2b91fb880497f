import test from 'ava';
import { detailsOf, nameOf, spoken, stackText } from '../../viewer/src/graph/details.js';
import { TextFit } from '../../viewer/src/graph/draw/text-fit.js';
import { menuItems } from '../../viewer/src/graph/flame/menu-items.js';
import type { Transform } from '../../viewer/src/graph/transforms/apply.js';
import { CHARACTER, monospace } from './support/pen.js';
import { randomTree } from './support/random-tree.js';

function smallTree(difference = false) {
  const tree = randomTree(1, { nodes: 3, difference });
  tree.parent.set([0, 0, 1]);
  tree.frame.set([0xffffffff, 1, 2]);
  tree.selfValues.set([0, 1e9, 2e9]);
  tree.totalValues.set([4e9, 3e9, 2e9]);
  tree.selfValuesB?.set([0, 2e9, 0]);
  tree.totalValuesB?.set([4e9, 2e9, 0]);
  tree.frames.name = ['unused', 'outer', 'inner'];
  tree.frames.file = ['', '/app/a.js', 'node:fs'];
  tree.frames.line = [0, 7, 0];
  tree.frames.kind = ['app', 'package', 'node'];
  tree.frames.package = ['', 'left-pad', 'node'];
  return tree;
}

test('a node is told with its place, its package, its values and its shares', (t) => {
  t.deepEqual(detailsOf(smallTree(), 2), {
    name: 'inner',
    place: 'node:fs',
    origin: 'Node.js',
    columns: [],
    lines: [
      { name: 'total', values: ['2 s'] },
      { name: 'self', values: ['2 s'] },
      { name: 'of all', values: ['50%'] },
      { name: 'of its parent', values: ['66.7%'] },
    ],
  });
  const outer = detailsOf(smallTree(), 1);
  t.is(outer.place, '/app/a.js:7');
  t.is(outer.origin, 'left-pad · package');
  t.deepEqual(
    outer.lines.map(({ name }) => name),
    ['total', 'self', 'of all'],
  );
  t.deepEqual(
    detailsOf(smallTree(), 0).lines.map(({ name }) => name),
    ['total', 'self'],
  );
});

test('a node of a difference is told with both values and the change', (t) => {
  const { columns, lines } = detailsOf(smallTree(true), 1);
  t.deepEqual(columns, ['A', 'B', 'change']);
  t.deepEqual(lines[0]?.values, ['3 s', '2 s', '-33.3%']);
  t.deepEqual(lines[1]?.values, ['1 s', '2 s', '+100.0%']);
  t.deepEqual(lines[2]?.values, ['75%', '50%', '']);
  t.deepEqual(detailsOf(smallTree(true), 2).lines[0]?.values, ['2 s', '0', 'only in A']);
  t.deepEqual(detailsOf(smallTree(true), 0).lines[0]?.values, ['4 s', '4 s', 'none']);
});

test('a node is spoken in one sentence', (t) => {
  t.is(spoken(smallTree(), 2), 'inner, node:fs, total 2 s, self 2 s, of all 50%, of its parent 66.7%');
  t.is(
    spoken(smallTree(true), 1),
    'outer, /app/a.js:7, total A 3 s, B 2 s, change -33.3%, self A 1 s, B 2 s, change +100.0%, of all A 75%, B 50%',
  );
  t.is(nameOf(smallTree(), 0), 'all');
});

test('a copied stack has the innermost function first', (t) => {
  t.is(stackText(smallTree(), 2), 'inner (node:fs)\nouter (/app/a.js:7)');
});

test('the menu does with a frame what its entries say', (t) => {
  const done: unknown[] = [];
  const actions = {
    onZoom: (node: number) => done.push(node),
    onTransform: (transform: Transform) => done.push(transform),
    onSandwich: (wanted: unknown) => done.push(wanted),
  };
  const items = menuItems(smallTree(), 2, actions);
  const choose = (text: string) => {
    const item = items.find((other) => other.text === text);
    if (!item) throw new Error(`There is no ${text} among ${items.map((other) => other.text).join(', ')}.`);
    item.run();
    return done.pop();
  };
  const inner = { name: 'inner', file: 'node:fs' };
  t.is(choose('Zoom here'), 2);
  t.deepEqual(choose('Show callers and callees'), inner);
  t.deepEqual(choose('Focus on this function'), { kind: 'focus', ...inner });
  t.deepEqual(choose('Hide this function'), { kind: 'hide', ...inner });
  t.deepEqual(choose('Collapse its recursion'), { kind: 'collapse', ...inner });
  t.deepEqual(choose('Hide node'), { kind: 'hide-package', package: 'node' });
  t.deepEqual(choose('Merge node into one frame'), { kind: 'merge-package', package: 'node' });
  t.deepEqual(choose('Collapse all recursion'), { kind: 'collapse' });
  t.deepEqual(choose('Invert: callers from the leaf'), { kind: 'invert' });
  t.deepEqual(choose('Show only this sub-tree'), {
    kind: 'subtree',
    path: [{ name: 'outer', file: '/app/a.js' }, inner],
  });
});

test('the menu offers what the page can do and what the frame is', (t) => {
  const onZoom = () => {};
  const texts = (node: number, actions = {}) =>
    menuItems(smallTree(), node, { onZoom, ...actions }).map(({ text }) => text);
  t.deepEqual(texts(2), ['Zoom here', 'Copy name', 'Copy stack']);
  t.deepEqual(texts(0, { onTransform: () => {} }), [
    'Zoom here',
    'Collapse all recursion',
    'Invert: callers from the leaf',
  ]);
  const grouped = smallTree();
  grouped.frames.kind = ['app', 'group', 'node'];
  const ofGroup = menuItems(grouped, 1, { onZoom, onTransform: () => {}, onSandwich: () => {} }).map(
    ({ text }) => text,
  );
  t.false(ofGroup.some((text) => /function|left-pad|callees/.test(text)));
  const own = smallTree();
  own.frames.package = ['', '(your code)', 'node'];
  t.true(menuItems(own, 1, { onZoom, onTransform: () => {} }).some(({ text }) => text === 'Hide your code'));
});

test('a text is cut where it no longer fits, between characters', (t) => {
  const fit = monospace();
  t.is(fit.fit('abcdef', 6 * CHARACTER), 'abcdef');
  t.is(fit.fit('abcdef', 6 * CHARACTER - 1), 'abcd…');
  t.is(fit.fit('abcdef', 2 * CHARACTER), 'a…');
  t.is(fit.fit('abcdef', CHARACTER), '');
  t.is(fit.fit('', 0), '');
  t.is(fit.fit('a🔥🔥🔥', 3 * CHARACTER), 'a🔥…');
  t.is(fit.width('a🔥'), 2 * CHARACTER);
});

test('a character is measured once', (t) => {
  const measured: string[] = [];
  const fit = new TextFit((text) => {
    measured.push(text);
    return text === 'w' ? 10 : 5;
  });
  for (let round = 0; round < 100; round++) fit.fit('wow', 24);
  t.is(fit.fit('wow', 24), 'wo…');
  t.deepEqual(measured.sort(), ['o', 'w', '…']);
});
