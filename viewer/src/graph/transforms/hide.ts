import type { Tree } from '../../api/tree.js';
import { type FunctionName, framesOfFunction, framesOfPackage } from './functions.js';
import { rebuild } from './rebuild.js';

/** Without the frames of a function: what it did itself and what it called counts as its caller's. */
export function hideFunction(tree: Tree, wanted: FunctionName): Tree {
  return hide(tree, framesOfFunction(tree.frames, wanted));
}

/** Without the frames of a package: what they did themselves and what they called counts as their caller's. */
export function hidePackage(tree: Tree, wanted: string): Tree {
  return hide(tree, framesOfPackage(tree.frames, wanted));
}

function hide(tree: Tree, hidden: Uint8Array): Tree {
  return rebuild(tree, (builder, node, parent) => {
    const frame = tree.frame[node] as number;
    return node === 0 || hidden[frame] ? parent : builder.child(parent, frame);
  });
}
