import type { Tree } from '../api/tree.js';
import { frameOrder } from './frame-order.js';
import { leftOut, widths } from './left-out.js';

/** Set in `Layout.node` where a rectangle stands for what was left out below the node in the other bits. */
export const GAP = 0x80000000;

/** Rectangles in rows. Those of a row are sorted and do not overlap. */
export interface Rectangles {
  /** Row `d` is the rectangles `rows[d]` to before `rows[d + 1]`. */
  rows: Uint32Array;
  /** The node of a rectangle, with `GAP` for what was left out below that node. */
  node: Uint32Array;
  start: Float64Array;
  end: Float64Array;
}

/**
 * Rectangles of a tree, sorted by depth and then by start, in the unit of the tree's values. Rectangles of a row do not overlap, and each lies inside
 * that of its parent in the row before. What is free behind the last child is the parent's self.
 */
export interface Layout extends Rectangles {
  /** The rectangle of each node. */
  rectangle: Uint32Array;
  /** The row of each node; 0 is the root's. */
  depth: Uint32Array;
  /** Width of the root. */
  span: number;
}

/** Lays a tree out: children beside each other in the order of `frameOrder`, then what was left out. Linear in the number of nodes. */
export function layOut(tree: Tree): Layout {
  const width = widths(tree);
  const rest = restOf(tree);
  const children = childrenInOrder(tree);
  const nodes = tree.parent.length;
  let rectangles = nodes;
  for (let parent = 0; parent < nodes; parent++) if ((rest[parent] as number) > 0) rectangles++;

  const node = new Uint32Array(rectangles);
  const start = new Float64Array(rectangles);
  const end = new Float64Array(rectangles);
  const rectangle = new Uint32Array(nodes);
  const depth = new Uint32Array(nodes);
  const rows = [0, 1];
  end[0] = width[0] as number;

  let filled = 1;
  let row = 0;
  for (let at = 0; at < rectangles; at++) {
    if (at === rows[row + 1]) {
      rows.push(filled);
      row++;
    }
    const parent = node[at] as number;
    if (parent >= GAP) continue;
    rectangle[parent] = at;
    depth[parent] = row;
    const right = end[at] as number;
    let left = start[at] as number;
    const behind = children.first[parent + 1] as number;
    for (let index = children.first[parent] as number; index < behind; index++) {
      const child = children.node[index] as number;
      node[filled] = child;
      start[filled] = left;
      // Sums of fractions may exceed the whole by a rounding.
      left = Math.min(right, left + (width[child] as number));
      end[filled++] = left;
    }
    if ((rest[parent] as number) > 0) {
      node[filled] = parent + GAP;
      start[filled] = left;
      end[filled++] = Math.min(right, left + (rest[parent] as number));
    }
  }
  return { rows: Uint32Array.from(rows), node, start, end, rectangle, depth, span: width[0] as number };
}

function restOf(tree: Tree): Float64Array {
  const rest = leftOut(tree.parent, tree.selfValues, tree.totalValues);
  if (!tree.selfValuesB || !tree.totalValuesB) return rest;
  const restB = leftOut(tree.parent, tree.selfValuesB, tree.totalValuesB);
  return rest.map((value, node) => value + (restB[node] as number));
}

/** The children of node `n` are `node[first[n]]` to before `node[first[n + 1]]`. */
export interface Children {
  first: Uint32Array;
  node: Uint32Array;
}

/** Two counting sorts, by the order of frames and then by parent: no comparison of nodes, hence linear. */
export function childrenInOrder(tree: Tree): Children {
  const { parent, frame } = tree;
  const order = frameOrder(tree.frames);
  const place = new Uint32Array(parent.length);
  const nodes = new Uint32Array(parent.length - 1);
  for (let node = 1; node < parent.length; node++) {
    place[node] = order[frame[node] as number] as number;
    nodes[node - 1] = node;
  }
  return countingSort(countingSort(nodes, place, order.length).node, parent, parent.length);
}

/** Groups nodes by their key, which is below `keys`. Those of a key keep their order. */
function countingSort(nodes: Uint32Array, key: Uint32Array, keys: number): Children {
  const first = new Uint32Array(keys + 1);
  for (let index = 0; index < nodes.length; index++) {
    const place = (key[nodes[index] as number] as number) + 1;
    first[place] = (first[place] as number) + 1;
  }
  for (let place = 1; place <= keys; place++)
    first[place] = (first[place] as number) + (first[place - 1] as number);
  const next = first.slice();
  const sorted = new Uint32Array(nodes.length);
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index] as number;
    const place = next[key[node] as number] as number;
    sorted[place] = node;
    next[key[node] as number] = place + 1;
  }
  return { first, node: sorted };
}
