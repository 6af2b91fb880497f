import type { Tree } from '../api/tree.js';

/**
 * A difference in which A stands for as much time as B, so that twice the profiles do not look like twice the work.
 * @param secondsA sum of the durations of A's profiles
 * @param secondsB of B's
 */
export function normalised(tree: Tree, secondsA: number, secondsB: number): Tree {
  if (secondsA <= 0 || secondsB <= 0 || secondsA === secondsB) return tree;
  const factor = secondsB / secondsA;
  const scale = (values: Float64Array) => values.map((value) => value * factor);
  return {
    ...tree,
    total: tree.total * factor,
    seconds: secondsB,
    selfValues: scale(tree.selfValues),
    totalValues: scale(tree.totalValues),
  };
}

/** One of the two selections of a difference as a tree of its own, in the order of the nodes of both. */
export function sideOf(tree: Tree, side: 'a' | 'b'): Tree {
  const { selfValuesB, totalValuesB, ...a } = tree;
  if (side === 'a' || !selfValuesB || !totalValuesB) return a;
  return { ...a, total: totalValuesB[0] as number, selfValues: selfValuesB, totalValues: totalValuesB };
}
