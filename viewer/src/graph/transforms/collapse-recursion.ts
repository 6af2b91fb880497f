import type { Tree } from '../../api/tree.js';
import { type FunctionName, functionNumbers } from './functions.js';
import { rebuild } from './rebuild.js';

/**
 * A function that is called while it runs, by itself or by what it called, becomes its outermost frame: what the inner call did and called counts there.
 * No function is then twice in a stack. With `only`, that function alone.
 */
export function collapseRecursion(tree: Tree, only?: FunctionName): Tree {
  const functions = functionNumbers(tree.frames);
  const { name, file } = tree.frames;
  return rebuild(tree, (builder, node, parent) => {
    if (node === 0) return parent;
    const frame = tree.frame[node] as number;
    if (!only || (name[frame] === only.name && file[frame] === only.file)) {
      for (let above = parent; above > 0; above = builder.parent(above)) {
        if (functions[builder.frame(above)] === functions[frame]) return above;
      }
    }
    return builder.child(parent, frame);
  });
}
