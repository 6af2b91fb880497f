import type { Tree } from '../api/tree.js';
import { GAP, type Layout } from './layout.js';

/** Where the arrow keys lead from a node. */
export type Direction = 'outward' | 'inward' | 'previous' | 'next';

/** The direction of an arrow key: up and down go as the graph is drawn. Another key has none. */
export function directionOf(key: string, upward: boolean): Direction | undefined {
  switch (key) {
    case 'ArrowUp':
      return upward ? 'inward' : 'outward';
    case 'ArrowDown':
      return upward ? 'outward' : 'inward';
    case 'ArrowLeft':
      return 'previous';
    case 'ArrowRight':
      return 'next';
    default:
      return undefined;
  }
}

/**
 * The node beside another: its parent, its heaviest child, or the next on its row, which is a sibling while there is one. The node itself where
 * there is none.
 */
export function neighbour(tree: Tree, layout: Layout, node: number, direction: Direction): number {
  if (direction === 'outward') return tree.parent[node] as number;
  if (direction === 'inward') return heaviestChild(tree, layout, node);
  const step = direction === 'next' ? 1 : -1;
  const row = layout.depth[node] as number;
  const [from, behind] = [layout.rows[row] as number, layout.rows[row + 1] as number];
  for (let at = (layout.rectangle[node] as number) + step; at >= from && at < behind; at += step) {
    if ((layout.node[at] as number) < GAP && (layout.end[at] as number) > (layout.start[at] as number)) {
      return layout.node[at] as number;
    }
  }
  return node;
}

function heaviestChild(tree: Tree, layout: Layout, node: number): number {
  const below = (layout.depth[node] as number) + 1;
  if (below >= layout.rows.length - 1) return node;
  const own = layout.rectangle[node] as number;
  let heaviest = node;
  let width = 0;
  for (let at = layout.rows[below] as number; at < (layout.rows[below + 1] as number); at++) {
    if ((layout.start[at] as number) > (layout.end[own] as number)) break;
    const child = layout.node[at] as number;
    const wide = (layout.end[at] as number) - (layout.start[at] as number);
    if (child < GAP && tree.parent[child] === node && wide > width) [heaviest, width] = [child, wide];
  }
  return heaviest;
}
