import type { Tree } from '../api/tree.js';
import { type Children, childrenAt } from './children.js';

/** A row of the call tree. */
export interface TreeRow {
  node: number;
  /** 1 for the children of the root. */
  level: number;
  /** Place among the nodes with the same parent, from 1, and how many those are. */
  place: number;
  of: number;
  hasChildren: boolean;
  isOpen: boolean;
}

/** The rows of a tree of which some nodes are open, in the order in which they are shown. */
export function rowsOf(children: Children, isOpen: (node: number) => boolean): TreeRow[] {
  const rows: TreeRow[] = [];
  const waiting: { nodes: Uint32Array; next: number }[] = [{ nodes: childrenAt(children, 0), next: 0 }];
  for (let group = waiting.at(-1); group; group = waiting.at(-1)) {
    if (group.next === group.nodes.length) {
      waiting.pop();
      continue;
    }
    const node = group.nodes[group.next++] as number;
    const below = childrenAt(children, node);
    const row = {
      node,
      level: waiting.length,
      place: group.next,
      of: group.nodes.length,
      hasChildren: below.length > 0,
      isOpen: below.length > 0 && isOpen(node),
    };
    rows.push(row);
    if (row.isOpen) waiting.push({ nodes: below, next: 0 });
  }
  return rows;
}

/** The nodes on the way from a node up to the root, without both. */
export function nodesAbove(tree: Tree, node: number): number[] {
  const above: number[] = [];
  for (let at = tree.parent[node] as number; at !== 0; at = tree.parent[at] as number) above.push(at);
  return above;
}

/** What is open at first: the way along the heaviest nodes, as long as one of them has more than half of its parent. */
export function heaviestWay(tree: Tree, children: Children): number[] {
  const way: number[] = [];
  for (let node = 0; ; ) {
    const heaviest = childrenAt(children, node)[0];
    if (heaviest === undefined) return way;
    if (node !== 0 && (tree.totalValues[heaviest] as number) * 2 <= (tree.totalValues[node] as number))
      return way;
    way.push(heaviest);
    node = heaviest;
  }
}
