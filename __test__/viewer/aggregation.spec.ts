import test from 'ava';
import type { Table } from '../../viewer/src/api/answers.js';
import { decodeTimeline } from '../../viewer/src/api/decode-timeline.js';
import { decodeTree } from '../../viewer/src/api/decode-tree.js';
import { amountOf } from '../../viewer/src/tree/amount.js';
import { arrange } from '../../viewer/src/tree/arrange.js';
import { childrenAt, childrenOf } from '../../viewer/src/tree/children.js';
import { normalised, sideOf } from '../../viewer/src/tree/compared.js';
import { heaviestWay, nodesAbove, rowsOf } from '../../viewer/src/tree/expanded.js';
import { functionsOf } from '../../viewer/src/tree/functions.js';
import { heaviestNode, nodeOf, pathKeys, printKey } from '../../viewer/src/tree/path-keys.js';
import { timelineAnswer } from '../support/viewer/lists.js';
import { hourOfProfiles } from '../support/viewer/samples.js';
import { select } from '../support/viewer/selection.js';
import { diffAnswer, tableAnswer, treeAnswer } from '../support/viewer/trees.js';
import { bufferOf } from './support/garbage.js';

const END = Date.UTC(2026, 0, 15, 12);
const STORE = hourOfProfiles(END);
const selected = (query = '') =>
  select(STORE, new URLSearchParams(`service=shop&from=${END - 7.2e6}&to=${END}&${query}`), END);
const tree = decodeTree(bufferOf(treeAnswer(selected(), 'function', null)));
const difference = decodeTree(
  bufferOf(diffAnswer(selected('where=version:1.4.0'), selected('where=version:1.5.0'), 'function')),
);

test('Functions of a tree are those of the table, one for one', (t) => {
  const table = tableAnswer(selected(), 'function', 1e6) as Table;
  const figures = (rows: { name: string; file: string; self: number; total: number }[]) =>
    rows.map(({ name, file, self, total }) => JSON.stringify([name, file, self, total])).sort();
  t.deepEqual(figures(functionsOf(tree)), figures(table.rows));
  t.is(
    table.rows.reduce((sum, { self }) => sum + self, 0),
    tree.total,
  );
});

test('A recursive function counts once in a total', (t) => {
  const priceOf = functionsOf(tree).find(({ name }) => name === 'priceOf');
  // 89 ms below it, three deep, and 41 ms, each minute in a whole and a half process.
  t.is(priceOf?.total, (89 + 41) * 1e6 * 60 * 1.5);
  t.is(priceOf?.self, 0);
});

test('Functions of a difference add up to both of its totals', (t) => {
  const rows = functionsOf(difference);
  t.is(
    rows.reduce((sum, { self }) => sum + self, 0),
    difference.totalValues[0],
  );
  t.is(
    rows.reduce((sum, { selfB }) => sum + selfB, 0),
    difference.totalValuesB?.[0],
  );
});

test('Every node is the child of its parent, and children with self make up the total', (t) => {
  const children = childrenOf(tree);
  const seen = new Set<number>();
  for (let node = 0; node < tree.parent.length; node++) {
    const below = childrenAt(children, node);
    const totals = Array.from(below, (child) => tree.totalValues[child] as number);
    t.deepEqual(
      totals,
      totals.toSorted((a, b) => b - a),
    );
    t.is(
      totals.reduce((sum, total) => sum + total, tree.selfValues[node] as number),
      tree.totalValues[node],
    );
    for (const child of below) {
      t.is(tree.parent[child], node);
      seen.add(child);
    }
  }
  t.is(seen.size, tree.parent.length - 1);
});

test('With all open the rows are all nodes, each behind its parent and one level deeper', (t) => {
  const rows = rowsOf(childrenOf(tree), () => true);
  t.is(new Set(rows.map(({ node }) => node)).size, tree.parent.length - 1);
  rows.forEach(({ node, level, place, of }, index) => {
    t.is(level, nodesAbove(tree, node).length + 1);
    t.true(place >= 1 && place <= of);
    const parent = tree.parent[node] as number;
    t.true(parent === 0 || rows.findIndex((row) => row.node === parent) < index);
  });
});

test('With none open the rows are the children of the root', (t) => {
  const children = childrenOf(tree);
  t.deepEqual(
    rowsOf(children, () => false).map(({ node }) => node),
    [...childrenAt(children, 0)],
  );
  t.true(rowsOf(children, () => false).every(({ isOpen }) => !isOpen));
});

test('The heaviest way goes down as long as one child has more than half', (t) => {
  const names = heaviestWay(tree, childrenOf(tree)).map(
    (node) => tree.frames.name[tree.frame[node] as number],
  );
  t.deepEqual(names, [
    'start_thread',
    'processTicksAndRejections',
    'onParserExecuteCommon',
    'Layer.handle',
    'getCart',
    'renderCart',
  ]);
});

test('Each path has a key of its own, the same in a tree of other order and other values', (t) => {
  const keys = pathKeys(tree);
  t.is(new Set(keys).size, keys.length);
  const shuffled = { ...selected(), chosen: selected().chosen.toReversed() };
  const other = decodeTree(bufferOf(treeAnswer(shuffled, 'function', null)));
  const otherKeys = pathKeys(other);
  t.deepEqual(otherKeys.toSorted(), keys.toSorted());
  t.notDeepEqual([...other.frame], [...tree.frame]);
  for (let node = 1; node < keys.length; node++) {
    const found = nodeOf(otherKeys, printKey(keys[node] as number));
    t.is(other.frames.name[other.frame[found] as number], tree.frames.name[tree.frame[node] as number]);
    t.is(other.totalValues[found], tree.totalValues[node]);
  }
});

test('A key that no node has is the root', (t) => {
  t.is(nodeOf(pathKeys(tree), 'zzz'), 0);
  t.is(nodeOf(pathKeys(tree), '?'), 0);
  t.is(nodeOf(pathKeys(tree), undefined), 0);
});

test('Of several nodes of a function the heaviest is taken', (t) => {
  const node = heaviestNode(tree, 'priceOf', '/srv/shop/src/price.ts') as number;
  t.is(tree.totalValues[node], (89 + 41) * 1e6 * 60 * 1.5);
  t.is(heaviestNode(tree, 'priceOf', 'elsewhere.ts'), undefined);
});

test('A difference by the second scales A to the time of B, and B not at all', (t) => {
  const even = normalised(difference, 100, 250);
  t.deepEqual(
    [...even.totalValues],
    [...difference.totalValues].map((value) => value * 2.5),
  );
  t.is(even.totalValuesB, difference.totalValuesB);
  t.is(normalised(difference, 0, 250), difference);
});

test('The sides of a difference have its nodes, each with its own values', (t) => {
  const [a, b] = [sideOf(difference, 'a'), sideOf(difference, 'b')];
  t.is(a.totalValues, difference.totalValues);
  t.is(b.totalValues, difference.totalValuesB);
  t.is(b.total, difference.totalValuesB?.[0]);
  t.is(a.totalValuesB, undefined);
  t.is(b.selfValuesB, undefined);
});

test('Rows are found by name, file and package, and ordered either way', (t) => {
  const { rows } = tableAnswer(selected(), 'function', 1e6) as Table;
  const names = (search: string) => arrange(rows, 'name', true, search).map(({ name }) => name);
  t.deepEqual(names('PRICE.TS'), ['constructor', 'priceOf', 'round']);
  t.deepEqual(names('@img'), ['deflate', 'encode']);
  t.deepEqual(names('no such'), []);
  for (const sort of ['self', 'total'] as const) {
    const values = arrange(rows, sort, false, '').map((row) => row[sort]);
    t.deepEqual(
      values,
      values.toSorted((a, b) => b - a),
    );
    t.is(values.length, rows.length);
  }
});

test('Ranges of a timeline side by side add up to the whole, whatever samples reach over their ends', (t) => {
  const chosen = selected('type=wall');
  const timeline = decodeTimeline(bufferOf(timelineAnswer(chosen)));
  const bounds = [0, 1_234_567, 1_800_000, 3_000_001, 7.2e6].map((after) => END - 7.2e6 + after);
  const parts = bounds.slice(1).map((to, index) => amountOf(timeline, { from: bounds[index] as number, to }));
  const sum = (key: 'wall' | 'cpu') => parts.reduce((all, part) => all + part[key], 0);
  const whole = chosen.chosen.reduce((all, { value }) => all + value, 0);
  t.true(Math.abs(sum('wall') / whole - 1) < 1e-9);
  t.true(Math.abs(sum('cpu') / tree.total - 1) < 1e-9);
});

test('A sample that is shorter than an instant can be told counts as a whole', (t) => {
  const chosen = selected('type=wall');
  const timeline = decodeTimeline(bufferOf(timelineAnswer(chosen)));
  const [at, range] = [timeline.from + 1000, { from: timeline.from + 999, to: timeline.from + 1001 }];
  t.is(at - 1e-6, at, 'A nanosecond is lost in milliseconds since the epoch.');
  const [lane, node, label] = [0, 0, 0].map((of) => Uint32Array.of(of)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const one = {
    ...timeline,
    lane,
    node,
    label,
    end: Float64Array.of(1000),
    wall: Float64Array.of(1),
    cpu: Float64Array.of(1),
  };
  const { samples, wall, cpu } = amountOf(one, range);
  t.is(samples, 1);
  t.true(Math.abs(wall - 1) < 1e-9 && Math.abs(cpu - 1) < 1e-9, `${wall}, ${cpu}`);
});
