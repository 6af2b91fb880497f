import type { Tree } from '../api/tree.js';
import { type Folded, foldRuns, openRuns, runAt } from '../graph/transforms/fold.js';
import { pathKeys, printKey } from './path-keys.js';

/** A tree as it is drawn. */
export interface Shown extends Folded {
  /** The key by which a run is opened; undefined for a node that is none. */
  keyOf(node: number): string | undefined;
  /** Whether a node is in a run that is open, or below one: then it has no path in the tree in which all are folded. */
  isBelowOpened(node: number): boolean;
}

/**
 * A tree in which runs are folded but for those that are open, or as it is.
 * @param opened keys of {@link Shown.keyOf}
 * @param keepsFirst as in `foldRuns`
 */
export function shownTree(
  source: Tree,
  isFolded: boolean,
  opened: readonly string[],
  keepsFirst = false,
): Shown {
  if (!isFolded) return asItIs(source);
  const folded = foldRuns(source, keepsFirst);
  let known: Float64Array | undefined;
  const keyOf = (node: number) => {
    known ??= pathKeys(folded.tree);
    return printKey(known[node] as number);
  };
  if (opened.length === 0)
    return {
      ...folded,
      keyOf: (node) => (runAt(folded.tree, node) ? keyOf(node) : undefined),
      isBelowOpened: () => false,
    };
  const shown = openRuns(source, folded, (node) => opened.includes(keyOf(node)));
  // What a node was before any run was opened, and whether a part of it was in one of those.
  const before = new Uint32Array(shown.tree.parent.length);
  const below = new Uint8Array(before.length);
  shown.became.forEach((node, from) => {
    const was = folded.became[from] as number;
    before[node] = was;
    if (runAt(folded.tree, was) && !runAt(shown.tree, node)) below[node] = 1;
  });
  const { parent } = shown.tree;
  for (let node = 1; node < below.length; node++) if (below[parent[node] as number]) below[node] = 1;
  return {
    ...shown,
    keyOf: (node) => (runAt(shown.tree, node) ? keyOf(before[node] as number) : undefined),
    isBelowOpened: (node) => below[node] === 1,
  };
}

function asItIs(tree: Tree): Shown {
  return {
    tree,
    became: Uint32Array.from(tree.parent.keys()),
    keyOf: () => undefined,
    isBelowOpened: () => false,
  };
}
