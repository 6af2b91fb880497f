import type { Tree } from '../api/tree.js';

/** The children of each node, those with the most first, as one list with a start for each node. */
export interface Children {
  /** Children of node `n` are `list[start[n]]` up to `list[start[n + 1]]`. */
  start: Uint32Array;
  list: Uint32Array;
}

/** Lists the children of each node of a tree by what they count, A and B together in a difference. */
export function childrenOf(tree: Tree): Children {
  const nodes = tree.parent.length;
  const start = new Uint32Array(nodes + 1);
  for (let node = 1; node < nodes; node++) increase(start, (tree.parent[node] as number) + 1);
  for (let node = 0; node < nodes; node++)
    start[node + 1] = (start[node + 1] as number) + (start[node] as number);
  const list = new Uint32Array(Math.max(0, nodes - 1));
  const filled = start.slice();
  for (let node = 1; node < nodes; node++) {
    const parent = tree.parent[node] as number;
    list[filled[parent] as number] = node;
    increase(filled, parent);
  }
  const weight = (node: number) => (tree.totalValues[node] as number) + (tree.totalValuesB?.[node] ?? 0);
  for (let node = 0; node < nodes; node++) {
    const from = start[node] as number;
    const to = start[node + 1] as number;
    if (to - from > 1) list.subarray(from, to).sort((a, b) => weight(b) - weight(a));
  }
  return { start, list };
}

export function childrenAt({ start, list }: Children, node: number): Uint32Array {
  return list.subarray(start[node], start[node + 1]);
}

function increase(counts: Uint32Array, index: number): void {
  counts[index] = (counts[index] as number) + 1;
}
