import type { Tree } from '../api/tree.js';

/**
 * A difference in which A stands for as much as B, so that twice the profiles, or twice the requests, do not look like twice the work.
 * @param amountA sum of the durations of A's profiles, or how many requests came
 * @param amountB of B's
 */
export function normalised(tree: Tree, amountA: number, amountB: number): Tree {
  if (amountA <= 0 || amountB <= 0 || amountA === amountB) return tree;
  // Divided last: whole numbers of which one is a multiple of the other then differ by nothing.
  const scaled = (value: number) => (value * amountB) / amountA;
  const scale = (values: Float64Array) => values.map(scaled);
  return {
    ...tree,
    total: scaled(tree.total),
    seconds: scaled(tree.seconds),
    selfValues: scale(tree.selfValues),
    totalValues: scale(tree.totalValues),
  };
}

/** Why a difference cannot be told for each request; undefined where it can. */
export function whyNotPerRequest({ requests }: Tree): string | undefined {
  if (!requests) return 'A report has no counts of requests';
  for (const side of ['a', 'b'] as const) {
    const told = requests[side];
    if ('reason' in told) return `${side.toUpperCase()}: ${told.reason}`;
  }
  return undefined;
}

/** How many requests came in a side of a difference; 0 where that is not told. */
export function requestsIn({ requests }: Tree, side: 'a' | 'b'): number {
  const told = requests?.[side];
  return told && 'count' in told ? told.count : 0;
}

/** One of the two selections of a difference as a tree of its own, in the order of the nodes of both. */
export function sideOf(tree: Tree, side: 'a' | 'b'): Tree {
  const { selfValuesB, totalValuesB, ...a } = tree;
  if (side === 'a' || !selfValuesB || !totalValuesB) return a;
  return { ...a, total: totalValuesB[0] as number, selfValues: selfValuesB, totalValues: totalValuesB };
}
