import type { JSX } from 'preact';
import type { Tree } from '../api/tree.js';
import { Answer } from '../parts/status.js';
import { useTree } from '../state/use-selected.js';

/** Shows the merged tree of the selection, or why there is none. */
export function TreeAnswer({ children }: { children(tree: Tree): JSX.Element }): JSX.Element {
  return (
    <Answer answered={useTree()} isEmpty={({ totalValues }) => totalValues[0] === 0}>
      {children}
    </Answer>
  );
}
