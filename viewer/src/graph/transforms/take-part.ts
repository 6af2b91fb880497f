import type { Tree } from '../../api/tree.js';
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

/** The node that a path leads to, below the root, with all that is below it. The rest is taken out. A path that is not in the tree leaves nothing. */
export function subtree(tree: Tree, path: readonly FunctionName[]): Tree {
  const { node: top, whole } = findPath(tree, path);
  return rebuild(tree, (builder, node, parent) => {
    if (node === top && whole) return node === 0 ? 0 : builder.child(0, tree.frame[node] as number);
    return node === 0 || parent === TAKEN_OUT ? TAKEN_OUT : builder.child(parent, tree.frame[node] as number);
  });
}
