import type { Tree } from '../../api/tree.js';
import { collapseRecursion } from './collapse-recursion.js';
import type { FunctionName } from './functions.js';
import { hideFunction, hidePackage } from './hide.js';
import { invert } from './invert.js';
import { mergePackage } from './merge-package.js';
import { focus, subtree } from './take-part.js';

/** A change of a tree, as plain data: names, not indices, so that it holds for the next tree too and can be a part of an address. */
export type Transform =
  | ({ kind: 'focus' } & FunctionName)
  | ({ kind: 'hide' } & FunctionName)
  | { kind: 'hide-package'; package: string }
  | { kind: 'merge-package'; package: string }
  | ({ kind: 'collapse' } & Partial<FunctionName>)
  | { kind: 'invert' }
  | { kind: 'subtree'; path: readonly FunctionName[]; isFolded?: boolean };

export interface Transformed {
  tree: Tree;
  /** What was taken out: the total before is the total of `tree` and this. */
  taken: number;
  /** Of selection `b`; 0 where the tree is no difference. */
  takenB: number;
}

/** Applies transforms one after the other. The tree that was given stays as it is. */
export function applyTransforms(tree: Tree, transforms: readonly Transform[]): Transformed {
  const result = transforms.reduce(applyTransform, tree);
  return {
    tree: result,
    taken: (tree.totalValues[0] as number) - (result.totalValues[0] as number),
    takenB: (tree.totalValuesB?.[0] ?? 0) - (result.totalValuesB?.[0] ?? 0),
  };
}

function applyTransform(tree: Tree, transform: Transform): Tree {
  switch (transform.kind) {
    case 'focus':
      return focus(tree, transform);
    case 'hide':
      return hideFunction(tree, transform);
    case 'hide-package':
      return hidePackage(tree, transform.package);
    case 'merge-package':
      return mergePackage(tree, transform.package);
    case 'collapse': {
      const { name, file } = transform;
      return collapseRecursion(tree, name === undefined ? undefined : { name, file: file ?? '' });
    }
    case 'invert':
      return invert(tree);
    case 'subtree':
      return subtree(tree, transform.path, transform.isFolded);
  }
}
