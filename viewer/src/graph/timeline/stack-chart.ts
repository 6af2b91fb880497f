import { eachVisible } from '../draw/visible.js';
import type { Rectangles } from '../layout.js';
import type { LaneSamples } from './lanes.js';

/**
 * The stacks of a lane over time, as rectangles whose starts and ends are columns of the screen. A function that is in samples that follow each other,
 * below the same callers, is one rectangle. Each column shows one sample, so the number of rectangles follows the columns, not the samples.
 * @param tree parent of each node, and number of frames of its stack
 * @param nodeOf innermost node of each sample
 */
export function stackChart(
  { start, end, sample }: LaneSamples,
  tree: { parent: Uint32Array; depth: Uint32Array },
  nodeOf: Uint32Array,
  view: { start: number; end: number },
  columns: number,
): Rectangles {
  const rows: { node: number[]; start: number[]; end: number[] }[] = [];
  eachVisible(start, end, 0, end.length, view, columns, (first, behind, left, right) => {
    const at = longest(start, end, first, behind);
    let node = nodeOf[sample[at] as number] as number;
    for (let depth = tree.depth[node] as number; depth > 0; depth--) {
      rows[depth - 1] ??= { node: [], start: [], end: [] };
      const row = rows[depth - 1] as (typeof rows)[number];
      const previous = row.node.length - 1;
      if (row.node[previous] === node && row.end[previous] === left) row.end[previous] = right;
      else {
        row.node.push(node);
        row.start.push(left);
        row.end.push(right);
      }
      node = tree.parent[node] as number;
    }
  });
  const first = [0];
  for (const row of rows) first.push((first.at(-1) as number) + row.node.length);
  return {
    rows: Uint32Array.from(first),
    node: Uint32Array.from(rows.flatMap(({ node }) => node)),
    start: Float64Array.from(rows.flatMap((row) => row.start)),
    end: Float64Array.from(rows.flatMap((row) => row.end)),
  };
}

function longest(start: Float64Array, end: Float64Array, first: number, behind: number): number {
  let best = first;
  for (let at = first + 1; at < behind; at++) {
    if ((end[at] as number) - (start[at] as number) > (end[best] as number) - (start[best] as number))
      best = at;
  }
  return best;
}
