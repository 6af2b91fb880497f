import type { FrameKind, Tree } from '../api/tree.js';

/** A function of a difference, with what it counts in A and in B. */
export interface FunctionDifference {
  name: string;
  file: string;
  kind: FrameKind;
  package: string;
  self: number;
  total: number;
  selfB: number;
  totalB: number;
}

/**
 * Adds up a tree by function: `self` over all nodes of it, `total` once for each stack, recursive or not.
 * The values of B are 0 where the tree has none.
 */
export function functionsOf(tree: Tree): FunctionDifference[] {
  const rows = new Map<string, FunctionDifference>();
  const rowOfFrame = tree.frames.name.map((name, frame) => {
    const file = tree.frames.file[frame] as string;
    const key = JSON.stringify([name, file]);
    const known = rows.get(key);
    if (known) return known;
    const row = {
      name,
      file,
      kind: tree.frames.kind[frame] as FrameKind,
      package: tree.frames.package[frame] as string,
      self: 0,
      total: 0,
      selfB: 0,
      totalB: 0,
    };
    rows.set(key, row);
    return row;
  });
  const isWithinItself = nodesWithinThemselves(tree, rowOfFrame);
  for (let node = 1; node < tree.parent.length; node++) {
    const row = rowOfFrame[tree.frame[node] as number] as FunctionDifference;
    row.self += tree.selfValues[node] as number;
    row.selfB += tree.selfValuesB?.[node] ?? 0;
    if (isWithinItself[node]) continue;
    row.total += tree.totalValues[node] as number;
    row.totalB += tree.totalValuesB?.[node] ?? 0;
  }
  return [...rows.values()];
}

/** Nodes that have a node of the same function above them. Parents come first, so the rows above are those of one stack. */
function nodesWithinThemselves(tree: Tree, rowOfFrame: FunctionDifference[]): Uint8Array {
  const within = new Uint8Array(tree.parent.length);
  for (let node = 1; node < tree.parent.length; node++) {
    const row = rowOfFrame[tree.frame[node] as number];
    for (let above = tree.parent[node] as number; above !== 0; above = tree.parent[above] as number) {
      if (rowOfFrame[tree.frame[above] as number] !== row) continue;
      within[node] = 1;
      break;
    }
  }
  return within;
}
