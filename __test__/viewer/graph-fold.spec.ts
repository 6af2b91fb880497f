/** Folding changes what is told apart, and no value. */
import test from 'ava';
import type { Tree } from '../../viewer/src/api/tree.js';
import { detailsOf, nameOf } from '../../viewer/src/graph/details.js';
import { matchFrames } from '../../viewer/src/graph/search.js';
import { applyTransforms } from '../../viewer/src/graph/transforms/apply.js';
import { foldRuns, openRuns, runAt } from '../../viewer/src/graph/transforms/fold.js';
import { pathOf } from '../../viewer/src/graph/transforms/functions.js';
import { shownTree } from '../../viewer/src/tree/folded.js';
import { nodeOf, pathKeys, printKey } from '../../viewer/src/tree/path-keys.js';
import { manyTrees } from './support/random-tree.js';
import { folded, stacksOf } from './support/stacks.js';
import { treeOf } from './support/tree-of.js';

const nodesOf = (tree: Tree) => [...tree.parent.keys()];
const kindAt = (tree: Tree, node: number) => tree.frames.kind[tree.frame[node] as number];
const isFoldable = (tree: Tree, node: number) => ['native', 'node'].includes(kindAt(tree, node) ?? '');

/** Whether a node, or one below it, is the program's or a package's. */
function leadsOn(tree: Tree, node: number): boolean {
  if (['app', 'package'].includes(kindAt(tree, node) ?? '')) return true;
  return nodesOf(tree).some((child) => child > 0 && tree.parent[child] === node && leadsOn(tree, child));
}

/** The sums of stacks of which the frames that may be folded are left out. */
function withoutFoldable(tree: Tree) {
  const isKept = (frame: number) => !['native', 'node'].includes(tree.frames.kind[frame] ?? '');
  const stacks = stacksOf(tree).map((stack) => ({ ...stack, frames: stack.frames.filter(isKept) }));
  const sums = new Map<string, [number, number]>();
  for (const { frames, leftOut, a, b } of stacks) {
    if (a === 0 && b === 0) continue;
    const key = `${frames.map((frame) => `${tree.frames.name[frame]}:${tree.frames.line[frame]}`)} ${leftOut}`;
    const [sumA, sumB] = sums.get(key) ?? [0, 0];
    sums.set(key, [sumA + a, sumB + b]);
  }
  return Object.fromEntries([...sums].sort());
}

test('every value is where it was, and the stacks of the program have the same sums', (t) => {
  for (const source of manyTrees()) {
    const { tree, became } = foldRuns(source);
    t.is(tree.totalValues[0], source.totalValues[0] as number);
    t.is(tree.totalValuesB?.[0], source.totalValuesB?.[0]);
    t.deepEqual(withoutFoldable(tree), withoutFoldable(source));
    t.true(tree.parent.length < source.parent.length);
    for (const node of nodesOf(tree)) {
      const own = nodesOf(source).filter((from) => became[from] === node);
      const sum = (values: Float64Array, of: number[]) =>
        of.reduce((all, from) => all + (values[from] as number), 0);
      t.is(tree.selfValues[node], sum(source.selfValues, own));
      const tops = own.filter((from) => from === 0 || became[source.parent[from] as number] !== node);
      t.is(tree.totalValues[node], sum(source.totalValues, tops));
    }
  }
});

test('above a function of the program there is no more than one frame that is not', (t) => {
  for (const source of manyTrees({ nodes: 120 })) {
    const { tree } = foldRuns(source);
    for (const node of nodesOf(tree).slice(1)) {
      const above = tree.parent[node] as number;
      if (above === 0 || !isFoldable(tree, above) || !isFoldable(tree, node)) continue;
      t.false(leadsOn(tree, node), `${nameOf(tree, node)} below ${nameOf(tree, above)}`);
    }
  }
});

test('with every run opened a tree is as it was, and with one open the others are folded', (t) => {
  for (const source of manyTrees()) {
    const closed = foldRuns(source);
    t.deepEqual(folded(openRuns(source, closed, () => true).tree), folded(source));
    t.deepEqual(folded(openRuns(source, closed, () => false).tree), folded(closed.tree));
    const runs = nodesOf(closed.tree).filter((node) => runAt(closed.tree, node));
    const key = printKey(pathKeys(closed.tree)[runs.at(-1) as number] as number);
    const shown = shownTree(source, true, [key]);
    const left = nodesOf(shown.tree).filter((node) => runAt(shown.tree, node));
    t.is(left.length, runs.length - 1);
    t.false(left.some((node) => shown.keyOf(node) === key));
    t.deepEqual(withoutFoldable(shown.tree), withoutFoldable(source));
    t.is(shown.tree.totalValues[0], source.totalValues[0] as number);
  }
});

test('a run is opened by its key, whatever else is open', (t) => {
  for (const source of manyTrees()) {
    let shown = shownTree(source, true, []);
    const opened: string[] = [];
    for (;;) {
      const run = nodesOf(shown.tree).find((node) => shown.keyOf(node) !== undefined);
      if (run === undefined) break;
      const key = shown.keyOf(run) as string;
      t.false(opened.includes(key));
      opened.push(key);
      shown = shownTree(source, true, opened);
    }
    t.deepEqual(folded(shown.tree), folded(source));
    t.true(opened.length > 3);
  }
});

test('a node keeps its path, and its sub-tree is what it stands for', (t) => {
  for (const random of manyTrees({ nodes: 150 })) {
    // Else lines of one function have one name, of which a path tells the first.
    const name = random.frames.name.map((_name, frame) => `function${frame}`);
    const source = { ...random, frames: { ...random.frames, name } };
    const { tree, isBelowOpened } = shownTree(source, true, []);
    const keys = pathKeys(tree);
    t.is(new Set(keys).size, keys.length);
    for (const node of nodesOf(tree).slice(1)) {
      t.is(nodeOf(keys, printKey(keys[node] as number)), node);
      t.false(isBelowOpened(node));
      const path = pathOf(tree, node);
      const part = applyTransforms(source, [{ kind: 'subtree', path, isFolded: true }]);
      t.is(part.tree.totalValues[0], tree.totalValues[node] as number);
    }
  }
});

const FRAMES = {
  main: { kind: 'native' },
  loop: { kind: 'native' },
  emit: { kind: 'node' },
  work: { kind: 'app' },
  encode: { kind: 'native' },
  sleep: { kind: 'native' },
  sweep: { kind: 'gc' },
} as const;

test('a run says how many frames it has and of what, and what is no way to the program stays', (t) => {
  const source = treeOf(FRAMES, [
    [['main', 'loop', 'emit', 'work'], 5],
    [['main', 'loop', 'work', 'encode', 'encode'], 7],
    [['main', 'loop', 'sleep'], 11],
    [['main', 'loop'], 13],
    [['work', 'emit', 'work'], 17],
    [['sweep', 'loop', 'encode'], 19],
  ]);
  const { tree } = foldRuns(source);
  const stacks = Object.fromEntries(
    nodesOf(tree)
      .slice(1)
      .map((node) => [
        [...pathOf(tree, node).map(({ name }) => name)].join('/'),
        [tree.totalValues[node], tree.selfValues[node]],
      ]),
  );
  t.deepEqual(stacks, {
    'main ⋯': [36, 13],
    'main ⋯/work': [12, 5],
    'main ⋯/work/encode': [7, 0],
    'main ⋯/work/encode/encode': [7, 7],
    'main ⋯/sleep': [11, 11],
    work: [17, 0],
    'work/emit': [17, 0],
    'work/emit/work': [17, 17],
    sweep: [19, 0],
    'sweep/loop': [19, 0],
    'sweep/loop/encode': [19, 19],
  });
  const run = nodesOf(tree).find((node) => runAt(tree, node)) as number;
  t.is(nameOf(tree, run), 'main ⋯ 3 native and Node.js frames');
  t.is(detailsOf(tree, run).place, 'main, loop, emit');
  t.is(kindAt(tree, run), 'native');
});

test('a search finds a run by what is in it', (t) => {
  const source = treeOf(FRAMES, [[['main', 'loop', 'work'], 1]]);
  const { tree } = foldRuns(source);
  const found = (text: string) => {
    const matched = matchFrames(tree.frames, text);
    return nodesOf(tree).filter((node) => matched[tree.frame[node] as number]).length;
  };
  t.is(found('loop'), 1);
  t.is(found('work'), 1);
  t.is(found('emit'), 0);
});

test('of a sandwich the function in the middle stays', (t) => {
  const source = treeOf(FRAMES, [[['loop', 'emit', 'main', 'work'], 3]]);
  const names = (tree: Tree) =>
    nodesOf(tree)
      .slice(1)
      .map((node) => nameOf(tree, node));
  t.deepEqual(names(foldRuns(source, true).tree), ['loop', 'emit ⋯ 2 native and Node.js frames', 'work']);
  t.deepEqual(names(foldRuns(source).tree), ['loop ⋯ 3 native and Node.js frames', 'work']);
});
