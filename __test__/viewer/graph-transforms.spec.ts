import test from 'ava';
import { NO_FRAME, type Tree } from '../../viewer/src/api/tree.js';
import { applyTransforms, type Transform } from '../../viewer/src/graph/transforms/apply.js';
import { type FunctionName, findPath, pathOf } from '../../viewer/src/graph/transforms/functions.js';
import { invert } from '../../viewer/src/graph/transforms/invert.js';
import { manyTrees, randomNumbers, randomTree } from './support/random-tree.js';
import { folded, type Stack, stacksOf } from './support/stacks.js';

const functionOf = (tree: Tree, frame: number): FunctionName => ({
  name: tree.frames.name[frame] as string,
  file: tree.frames.file[frame] as string,
});

const isOf =
  (tree: Tree, { name, file }: FunctionName) =>
  (frame: number) =>
    tree.frames.name[frame] === name && tree.frames.file[frame] === file;

/** Applies one transform to the tree, and its meaning to each stack. */
function agrees(tree: Tree, transform: Transform, meaning: (stack: Stack) => Stack | undefined) {
  const { tree: result, taken, takenB } = applyTransforms(tree, [transform]);
  const kept = stacksOf(tree).map(meaning);
  const left = stacksOf(tree).filter((_, index) => kept[index] === undefined);
  const sum = (key: 'a' | 'b') => left.reduce((total, stack) => total + stack[key], 0);
  return {
    got: { stacks: folded(result), taken, takenB },
    wanted: {
      stacks: folded(
        result,
        kept.filter((stack) => stack !== undefined),
      ),
      taken: sum('a'),
      takenB: sum('b'),
    },
    result,
  };
}

test('focus keeps the stacks through a function, from its outermost frame on, and says what it took out', (t) => {
  for (const tree of manyTrees()) {
    const wanted = functionOf(tree, tree.frame[5] as number);
    const { got, wanted: expected } = agrees(tree, { kind: 'focus', ...wanted }, (stack) => {
      const first = stack.frames.findIndex(isOf(tree, wanted));
      return first < 0 ? undefined : { ...stack, frames: stack.frames.slice(first) };
    });
    t.deepEqual(got, expected);
    t.true(got.taken > 0);
  }
});

test('hide gives what a function did and called to its caller', (t) => {
  for (const tree of manyTrees()) {
    const hidden = functionOf(tree, tree.frame[3] as number);
    const { got, wanted } = agrees(tree, { kind: 'hide', ...hidden }, (stack) => ({
      ...stack,
      frames: stack.frames.filter((frame) => !isOf(tree, hidden)(frame)),
    }));
    t.deepEqual(got, wanted);
    t.is(got.taken, 0);
  }
});

test('hiding a package hides each of its functions', (t) => {
  for (const tree of manyTrees()) {
    const { got, wanted } = agrees(tree, { kind: 'hide-package', package: 'package2' }, (stack) => ({
      ...stack,
      frames: stack.frames.filter((frame) => tree.frames.package[frame] !== 'package2'),
    }));
    t.deepEqual(got, wanted);
    t.is(got.taken, 0);
  }
});

test('the value of a key is no code of a package', (t) => {
  const tree = randomTree(2);
  const grouped = { ...tree, frames: { ...tree.frames, kind: tree.frames.kind.map(() => 'group' as const) } };
  t.deepEqual(
    folded(applyTransforms(grouped, [{ kind: 'hide-package', package: 'package1' }]).tree),
    folded(grouped),
  );
});

test('a merged package is one frame wherever its functions call one another', (t) => {
  for (const tree of manyTrees()) {
    const merged = tree.frames.name.length;
    const { got, wanted, result } = agrees(tree, { kind: 'merge-package', package: 'package1' }, (stack) => ({
      ...stack,
      frames: stack.frames
        .map((frame) => (tree.frames.package[frame] === 'package1' ? merged : frame))
        .filter((frame, index, all) => frame !== merged || all[index - 1] !== merged),
    }));
    t.deepEqual(got, wanted);
    t.is(result.frames.name[merged], 'package1');
    t.is(result.frames.package[merged], 'package1');
    t.is(tree.frames.name.length, merged, 'the frames of the source grew');
  }
});

/** The innermost call of a function that runs already goes back to the outermost frame. */
function withoutRecursion(frames: number[], same: (a: number, b: number) => boolean): number[] {
  const kept: number[] = [];
  for (const frame of frames) {
    const outer = kept.findIndex((other) => same(other, frame));
    if (outer < 0) kept.push(frame);
    else kept.length = outer + 1;
  }
  return kept;
}

test('collapsed recursion leaves no function twice in a stack', (t) => {
  for (const tree of manyTrees()) {
    const { got, wanted, result } = agrees(tree, { kind: 'collapse' }, (stack) => ({
      ...stack,
      frames: withoutRecursion(stack.frames, (a, b) => isOf(tree, functionOf(tree, a))(b)),
    }));
    t.deepEqual(got, wanted);
    for (const { frames } of stacksOf(result)) {
      const names = frames.map((frame) => `${tree.frames.name[frame]} ${tree.frames.file[frame]}`);
      t.is(new Set(names).size, names.length);
    }
  }
});

test('collapse of one function leaves the recursion of others', (t) => {
  for (const tree of manyTrees({ functions: 6, nodes: 80 })) {
    const only = functionOf(tree, tree.frame[1] as number);
    const { got, wanted } = agrees(tree, { kind: 'collapse', ...only }, (stack) => ({
      ...stack,
      frames: withoutRecursion(stack.frames, (a, b) => isOf(tree, only)(a) && isOf(tree, only)(b)),
    }));
    t.deepEqual(got, wanted);
  }
});

test('the inverted tree has every stack from its leaf, and what was left out at the root', (t) => {
  for (const tree of manyTrees()) {
    const inverted = invert(tree, 0);
    const expected = stacksOf(tree).map((stack) => ({
      ...stack,
      frames: stack.leftOut ? [] : stack.frames.toReversed(),
    }));
    t.deepEqual(folded(inverted), folded(tree, expected));
  }
});

test('inverted twice, a tree without gaps is itself', (t) => {
  for (const tree of manyTrees({ leftOut: false }))
    t.deepEqual(folded(invert(invert(tree, 0), 0)), folded(tree));
});

test('below a small node of an inverted tree callers are left out, not their values', (t) => {
  for (const tree of manyTrees({ nodes: 800 })) {
    const [whole, cut] = [invert(tree, 0), invert(tree, 0.01)];
    t.is(cut.totalValues[0], whole.totalValues[0] as number);
    t.is(cut.totalValuesB?.[0], whole.totalValuesB?.[0]);
    t.true(cut.parent.length < whole.parent.length);
    const totals = (of: Tree) => {
      const sums = new Map<string, number>();
      for (let node = 0; node < of.parent.length; node++) {
        const path = [];
        for (let at = node; at > 0; at = of.parent[at] as number) path.push(of.frame[at]);
        sums.set(path.join(), (of.totalValues[node] as number) + (of.totalValuesB?.[node] ?? 0));
      }
      return sums;
    };
    const [all, shown] = [totals(whole), totals(cut)];
    for (const [path, total] of shown) t.is(total, all.get(path) as number);
    for (const [path, total] of all) if (total >= (all.get('') as number) / 100) t.true(shown.has(path));
  }
});

test('a path leads to its node, and a sub-tree is that node and what is below it', (t) => {
  for (const tree of manyTrees({ functions: 10 })) {
    const node = Math.floor(tree.parent.length / 3);
    const path = pathOf(tree, node);
    const found = findPath(tree, path);
    t.true(found.whole);
    t.deepEqual(pathOf(tree, found.node), path);
    const above = stacksOf(tree)[found.node * 2]?.frames as number[];
    const { got, wanted } = agrees(tree, { kind: 'subtree', path }, (stack) =>
      above.every((frame, index) => stack.frames[index] === frame)
        ? { ...stack, frames: stack.frames.slice(above.length - 1) }
        : undefined,
    );
    t.deepEqual(got, wanted);
  }
});

test('a path that is in no tree leads to the last of it that is, and its sub-tree is empty', (t) => {
  const tree = randomTree(5);
  const path = [...pathOf(tree, 9), { name: 'nowhere', file: '' }];
  t.deepEqual(findPath(tree, path), { node: findPath(tree, pathOf(tree, 9)).node, whole: false });
  const { tree: nothing, taken } = applyTransforms(tree, [{ kind: 'subtree', path }]);
  t.is(taken, tree.totalValues[0] as number);
  t.deepEqual(folded(nothing), {});
  t.deepEqual(folded(applyTransforms(tree, [{ kind: 'subtree', path: [] }]).tree), folded(tree));
});

test('in any order, transforms keep the total but for what they say they took out, and leave the source alone', (t) => {
  const random = randomNumbers(99);
  for (const tree of manyTrees()) {
    const before = folded(tree);
    const pick = (): Transform => {
      const frame = tree.frame[1 + Math.floor(random() * (tree.frame.length - 1))] as number;
      const some = functionOf(tree, frame);
      const choices: Transform[] = [
        { kind: 'hide', ...some },
        { kind: 'hide-package', package: tree.frames.package[frame] as string },
        { kind: 'merge-package', package: tree.frames.package[frame] as string },
        { kind: 'collapse' },
        { kind: 'collapse', ...some },
        { kind: 'invert' },
        { kind: 'focus', ...some },
        { kind: 'subtree', path: pathOf(tree, 1) },
      ];
      return choices[Math.floor(random() * choices.length)] as Transform;
    };
    const steps = [pick(), pick(), pick(), pick()];
    const { tree: result, taken, takenB } = applyTransforms(tree, steps);
    t.is((result.totalValues[0] as number) + taken, tree.totalValues[0] as number);
    t.is(result.total, result.totalValues[0] as number);
    t.is((result.totalValuesB?.[0] ?? 0) + takenB, tree.totalValuesB?.[0] ?? 0);
    if (!steps.some(({ kind }) => kind === 'focus' || kind === 'subtree')) t.is(taken, 0);
    // A tree as the contract has it: parents before children, frames of one parent once, totals that cover what is below.
    t.is(result.frame[0], NO_FRAME);
    const seen = new Set<string>();
    for (let node = 1; node < result.parent.length; node++) {
      t.true((result.parent[node] as number) < node);
      const key = `${result.parent[node]} ${result.frame[node]}`;
      t.false(seen.has(key));
      seen.add(key);
    }
    t.true(stacksOf(result).every(({ a, b }) => a >= 0 && b >= 0));
    // Each step in turn is what all of them are at once.
    const inTurn = steps.reduce((before, step) => applyTransforms(before, [step]).tree, tree);
    t.deepEqual(folded(result), folded(inTurn));
    t.deepEqual(folded(tree), before);
  }
});

test('to hide, to collapse and to merge twice changes nothing more', (t) => {
  for (const tree of manyTrees()) {
    const some = functionOf(tree, tree.frame[4] as number);
    for (const step of [
      { kind: 'hide', ...some },
      { kind: 'focus', ...some },
      { kind: 'collapse' },
      { kind: 'merge-package', package: 'package3' },
    ] as Transform[]) {
      const once = applyTransforms(tree, [step]).tree;
      t.deepEqual(folded(applyTransforms(once, [step]).tree), folded(once));
    }
  }
});
