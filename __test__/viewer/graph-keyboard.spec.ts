import test from 'ava';
import { directionOf, neighbour } from '../../viewer/src/graph/keyboard.js';
import { layOut } from '../../viewer/src/graph/layout.js';
import { nextEntry } from '../../viewer/src/graph/menu/next-entry.js';
import { placeBox } from '../../viewer/src/graph/place-box.js';
import { manyTrees, randomNumbers } from './support/random-tree.js';

test('up and down go as the graph is drawn', (t) => {
  t.is(directionOf('ArrowUp', false), 'outward');
  t.is(directionOf('ArrowUp', true), 'inward');
  t.is(directionOf('ArrowDown', false), 'inward');
  t.is(directionOf('ArrowDown', true), 'outward');
  t.is(directionOf('ArrowLeft', true), 'previous');
  t.is(directionOf('ArrowRight', false), 'next');
  t.is(directionOf('a', false), undefined);
});

test('inwards is the heaviest child, outwards the parent, and nothing leads out of the tree', (t) => {
  for (const tree of manyTrees()) {
    const layout = layOut(tree);
    const width = (node: number) => (tree.totalValues[node] as number) + (tree.totalValuesB?.[node] ?? 0);
    for (let node = 0; node < tree.parent.length; node++) {
      t.is(neighbour(tree, layout, node, 'outward'), tree.parent[node] as number);
      const widths = Array.from(tree.parent.keys())
        .filter((child) => child > 0 && tree.parent[child] === node)
        .map(width);
      const inward = neighbour(tree, layout, node, 'inward');
      const largest = Math.max(0, ...widths);
      if (largest === 0) t.is(inward, node);
      else t.deepEqual([tree.parent[inward], width(inward)], [node, largest]);
    }
  }
});

test('sideways leads through all frames of a row and stops at its ends', (t) => {
  for (const tree of manyTrees()) {
    const layout = layOut(tree);
    for (let row = 0; row + 1 < layout.rows.length; row++) {
      const shown = Array.from(tree.parent.keys())
        .filter(
          (node) =>
            layout.depth[node] === row &&
            (layout.end[layout.rectangle[node] as number] as number) >
              (layout.start[layout.rectangle[node] as number] as number),
        )
        .sort((a, b) => (layout.rectangle[a] as number) - (layout.rectangle[b] as number));
      if (shown.length === 0) continue;
      const walk = [shown[0] as number];
      for (let node = walk[0] as number, next = -1; next !== node; ) {
        next = neighbour(tree, layout, node, 'next');
        if (next === node) break;
        t.is(neighbour(tree, layout, next, 'previous'), node);
        walk.push(next);
        [node, next] = [next, -1];
      }
      t.deepEqual(walk, shown);
      t.is(neighbour(tree, layout, shown[0] as number, 'previous'), shown[0] as number);
    }
  }
});

test('a menu goes round with the arrows and by first letters', (t) => {
  const texts = ['Zoom', 'Hide it', 'Focus', 'Hide package'];
  t.is(nextEntry('ArrowDown', 3, texts), 0);
  t.is(nextEntry('ArrowUp', 0, texts), 3);
  t.is(nextEntry('Home', 2, texts), 0);
  t.is(nextEntry('End', 1, texts), 3);
  t.is(nextEntry('h', 0, texts), 1);
  t.is(nextEntry('H', 1, texts), 3);
  t.is(nextEntry('h', 3, texts), 1);
  t.is(nextEntry('x', 0, texts), undefined);
  t.is(nextEntry('Enter', 0, texts), undefined);
  t.is(nextEntry(' ', 0, texts), undefined);
  t.is(nextEntry('ArrowDown', -1, texts), 0);
});

test('a box beside a point is whole in the window and leaves the point free where it can', (t) => {
  const random = randomNumbers(3);
  const window = { width: 900, height: 600 };
  for (let round = 0; round < 1000; round++) {
    const at = { clientX: random() * 900, clientY: random() * 600 };
    const size = { width: 50 + random() * 300, height: 20 + random() * 200 };
    const { left, top } = placeBox(at, size, window);
    t.true(left >= 0 && top >= 0 && left + size.width <= 900 && top + size.height <= 600);
    t.true(
      at.clientX < left ||
        at.clientX > left + size.width ||
        at.clientY < top ||
        at.clientY > top + size.height,
    );
  }
  t.deepEqual(placeBox({ clientX: 5, clientY: 5 }, { width: 2000, height: 2000 }, window), {
    left: 6,
    top: 6,
  });
});
