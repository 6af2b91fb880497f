import type { Frames, Tree } from '../../api/tree.js';
import { TreeBuilder } from '../tree-builder.js';

/** What a node becomes that is not in the new tree. */
export const TAKEN_OUT = -1;

/**
 * Makes a tree by saying for each node of another which node of the new tree it becomes. Parents are asked before their children.
 * @param place gets the builder, a node of the source (the root first) and what its parent has become; answers with a node of the new tree or `TAKEN_OUT`.
 * The parent of the root is node 0
 */
export function rebuild(
  tree: Tree,
  place: (builder: TreeBuilder, node: number, parent: number) => number,
  frames: Frames = tree.frames,
): Tree {
  const builder = new TreeBuilder(tree, frames);
  const became = new Int32Array(tree.parent.length);
  for (let node = 0; node < became.length; node++) {
    const at = place(builder, node, became[tree.parent[node] as number] as number);
    became[node] = at;
    if (at !== TAKEN_OUT) builder.add(at, node);
  }
  return builder.finish();
}
