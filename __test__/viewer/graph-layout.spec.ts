import test from 'ava';
import type { Tree } from '../../viewer/src/api/tree.js';
import { frameOrder } from '../../viewer/src/graph/frame-order.js';
import { GAP, layOut } from '../../viewer/src/graph/layout.js';
import { manyTrees, randomTree } from './support/random-tree.js';
import { stacksOf } from './support/stacks.js';

const width = (tree: Tree, node: number) =>
  (tree.totalValues[node] as number) + (tree.totalValuesB?.[node] ?? 0);

test('a node is as wide as its total, lies inside its parent and one row further', (t) => {
  for (const tree of manyTrees()) {
    const { rectangle, start, end, node: nodes, depth, rows, span } = layOut(tree);
    t.is(span, width(tree, 0));
    for (let node = 0; node < tree.parent.length; node++) {
      const at = rectangle[node] as number;
      const above = rectangle[tree.parent[node] as number] as number;
      t.is(nodes[at], node);
      t.is((end[at] as number) - (start[at] as number), width(tree, node));
      t.true(
        (start[at] as number) >= (start[above] as number) && (end[at] as number) <= (end[above] as number),
      );
      if (node > 0) t.is(depth[node], (depth[tree.parent[node] as number] as number) + 1);
      const row = depth[node] as number;
      t.true(at >= (rows[row] as number) && at < (rows[row + 1] as number));
    }
  }
});

test('rectangles of a row are in order and do not overlap, and every rectangle is in a row', (t) => {
  for (const tree of manyTrees()) {
    const { rows, start, end, node } = layOut(tree);
    t.is(rows[0], 0);
    t.is(rows.at(-1), node.length);
    for (let row = 0; row + 1 < rows.length; row++) {
      t.true((rows[row] as number) < (rows[row + 1] as number));
      for (let at = (rows[row] as number) + 1; at < (rows[row + 1] as number); at++) {
        t.true((start[at] as number) >= (end[at - 1] as number));
      }
    }
  }
});

test('what was left out is a gap behind the children, as wide as what is missing', (t) => {
  for (const tree of manyTrees({ leftOut: true })) {
    const { node, start, end, rectangle, rows, depth } = layOut(tree);
    const gaps: [number, number][] = [];
    for (let at = 0; at < node.length; at++) {
      if ((node[at] as number) < GAP) continue;
      const parent = (node[at] as number) - GAP;
      gaps.push([parent, (end[at] as number) - (start[at] as number)]);
      t.true(at >= (rows[(depth[parent] as number) + 1] as number));
      t.true((end[at] as number) <= (end[rectangle[parent] as number] as number));
      for (let child = 1; child < tree.parent.length; child++) {
        if (tree.parent[child] === parent)
          t.true((end[rectangle[child] as number] as number) <= (start[at] as number));
      }
    }
    const missing = stacksOf(tree).flatMap(({ leftOut, a, b }, index): [number, number][] =>
      leftOut && a + b > 0 ? [[index >> 1, a + b]] : [],
    );
    t.true(missing.length > 0);
    t.deepEqual(
      gaps.sort(([a], [b]) => a - b),
      missing,
    );
  }
});

test('siblings stand in the order of their names, whatever their values', (t) => {
  const tree = randomTree(7, { nodes: 2000, functions: 60 });
  const other = {
    ...tree,
    selfValues: tree.totalValues.slice().fill(1),
    totalValues: tree.totalValues.slice().fill(0),
  };
  for (let node = other.parent.length - 1; node >= 0; node--) {
    const total = (other.totalValues[node] as number) + 1;
    other.totalValues[node] = total;
    if (node > 0)
      other.totalValues[tree.parent[node] as number] =
        (other.totalValues[tree.parent[node] as number] as number) + total;
  }
  const layout = layOut(tree);
  t.deepEqual(layOut(other).node, layout.node);
  const { name, file, line } = tree.frames;
  let compared = 0;
  for (let at = 1; at < layout.node.length; at++) {
    const [left, right] = [layout.node[at - 1] as number, layout.node[at] as number];
    if (left === 0 || tree.parent[left] !== tree.parent[right]) continue;
    const key = (node: number) => {
      const frame = tree.frame[node] as number;
      return [name[frame] as string, file[frame] as string, line[frame] as number] as const;
    };
    const [a, b] = [key(left), key(right)];
    t.true(a[0] < b[0] || (a[0] === b[0] && (a[1] < b[1] || (a[1] === b[1] && a[2] < b[2]))));
    compared++;
  }
  t.true(compared > 500);
});

test('a place of the order of frames is given once', (t) => {
  const { frames } = randomTree(3, { functions: 50 });
  t.deepEqual(
    Array.from(frameOrder(frames)).sort((a, b) => a - b),
    Array.from(frames.name.keys()),
  );
});

test('fractions do not push a child out of its parent', (t) => {
  const tree = randomTree(11, { nodes: 3000, leftOut: true });
  for (let node = 0; node < tree.selfValues.length; node++) {
    tree.selfValues[node] = (tree.selfValues[node] as number) / 3;
    tree.totalValues[node] = (tree.totalValues[node] as number) / 3;
  }
  const { rectangle, start, end } = layOut(tree);
  for (let node = 0; node < tree.parent.length; node++) {
    const [at, above] = [rectangle[node] as number, rectangle[tree.parent[node] as number] as number];
    t.true(
      (start[at] as number) >= (start[above] as number) && (end[at] as number) <= (end[above] as number),
    );
  }
});

test('a tree without stacks is one rectangle', (t) => {
  const layout = layOut(randomTree(1, { nodes: 1 }));
  t.deepEqual(Array.from(layout.rows), [0, 1]);
  t.deepEqual(Array.from(layout.node), [0]);
});
