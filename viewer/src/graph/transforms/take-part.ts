import type { Tree } from '../../api/tree.js';
import { foldRuns } from './fold.js';
import { type FunctionName, findPath, framesOfFunction } from './functions.js';
import { rebuild, TAKEN_OUT } from './rebuild.js';

/** All stacks through a function, from its outermost frame inwards, merged there. The other stacks are taken out, and what called the function is not shown. */
export function focus(tree: Tree, wanted: FunctionName): Tree {
  const matches = framesOfFunction(tree.frames, wanted);
  return rebuild(tree, (builder, node, parent) => {
    if (node === 0) return TAKEN_OUT;
    const frame = tree.frame[node] as number;
    if (parent !== TAKEN_OUT) return builder.child(parent, frame);
    return matches[frame] ? builder.child(0, frame) : TAKEN_OUT;
  });
}

/**
 * The node that a path leads to, below the root, with all that is below it. The rest is taken out. A path that is not in the tree leaves nothing.
 * @param isFolded the path is that of a tree in which runs are folded, where one node may be many
 */
export function subtree(tree: Tree, path: readonly FunctionName[], isFolded = false): Tree {
  const folded = isFolded ? foldRuns(tree) : undefined;
  const { node: top, whole } = findPath(folded?.tree ?? tree, path);
  return rebuild(tree, (builder, node, parent) => {
    const isTop = whole && (folded ? folded.became[node] === top : node === top);
    if (isTop && node === 0) return 0;
    if (isTop && parent === TAKEN_OUT) return builder.child(0, tree.frame[node] as number);
    return node === 0 || parent === TAKEN_OUT ? TAKEN_OUT : builder.child(parent, tree.frame[node] as number);
  });
}
