import type { Tree } from '../api/tree.js';

/** A share of a total below which a difference of sums is rounding, not something that was left out. */
const ROUNDING = 1e-9;

/**
 * What the collector left out below each node: its total without its self and without the totals of its children. Never negative.
 */
export function leftOut(parent: Uint32Array, self: Float64Array, total: Float64Array): Float64Array {
  const rest = new Float64Array(parent.length);
  for (let node = parent.length - 1; node >= 0; node--) {
    // The children have been taken off by now: an index is above its parent's.
    const value = (rest[node] as number) + (total[node] as number) - (self[node] as number);
    rest[node] = value > (total[node] as number) * ROUNDING ? value : 0;
    if (node > 0)
      rest[parent[node] as number] = (rest[parent[node] as number] as number) - (total[node] as number);
  }
  return rest;
}

/**
 * What a node's rectangle is as wide as: its total, and in a difference the sum of both totals. The larger of the two would not do: children would
 * be wider than their parent.
 */
export function widths(tree: Tree): Float64Array {
  const { totalValues, totalValuesB } = tree;
  return totalValuesB
    ? totalValues.map((value, node) => value + (totalValuesB[node] as number))
    : totalValues;
}

/** What was left out below one node, in a difference of both selections. */
export function leftOutBelow(tree: Tree, node: number): number {
  const { parent, selfValues, totalValues, selfValuesB, totalValuesB } = tree;
  const rest = leftOut(parent, selfValues, totalValues)[node] as number;
  if (!selfValuesB || !totalValuesB) return rest;
  return rest + (leftOut(parent, selfValuesB, totalValuesB)[node] as number);
}
