import { useMemo, useState } from 'preact/hooks';
import type { Tree } from '../api/tree.js';
import type { Children } from '../tree/children.js';
import { heaviestWay } from '../tree/expanded.js';
import type { Shown } from '../tree/folded.js';
import { pathKeys } from '../tree/path-keys.js';

/** Which nodes of a tree that is shown in rows have those below them in sight. */
export interface OpenNodes {
  isOpen(node: number): boolean;
  turn(nodes: readonly number[], isOpen: boolean): void;
}

/**
 * Keeps by the keys of the whole tree what is open: it stays so when the tree is asked for anew, and when runs are folded or opened.
 * At first it is the way along the heaviest nodes.
 */
export function useOpenNodes(whole: Tree, shown: Shown, children: Children): OpenNodes {
  const keys = useMemo(() => pathKeys(whole), [whole]);
  const keysOf = (nodes: readonly number[]): number[] => {
    const wanted = new Set(nodes);
    return [...keys].filter((_key, from) => wanted.has(shown.became[from] as number));
  };
  const [open, setOpen] = useState<ReadonlySet<number>>(
    () => new Set(keysOf(heaviestWay(shown.tree, children))),
  );
  const isOpen = useMemo(() => {
    const found = new Set<number>();
    keys.forEach((key, from) => {
      if (open.has(key)) found.add(shown.became[from] as number);
    });
    return (node: number) => found.has(node);
  }, [keys, open, shown]);
  return {
    isOpen,
    turn(nodes, isToOpen) {
      const next = new Set(open);
      for (const key of keysOf(nodes)) {
        if (isToOpen) next.add(key);
        else next.delete(key);
      }
      setOpen(next);
    },
  };
}
