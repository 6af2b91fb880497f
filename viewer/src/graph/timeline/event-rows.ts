import type { Rectangles } from '../layout.js';
import type { LaneSamples } from './lanes.js';

/** Events that run at the same time stand in rows below each other; more than this many at once share the last row. */
const MOST_ROWS = 5;

/** The events of a lane as rectangles in milliseconds; the node of a rectangle is the index of its event in the lane. */
export function eventRows({ start, end }: LaneSamples): Rectangles {
  const rows: number[][] = [];
  const free: number[] = [];
  const from = start.slice();
  for (let event = 0; event < start.length; event++) {
    let row = free.findIndex((time) => time <= (start[event] as number));
    if (row < 0) row = Math.min(free.length, MOST_ROWS - 1);
    // Only in the last row can there be one that is not over.
    from[event] = Math.min(end[event] as number, Math.max(start[event] as number, free[row] ?? 0));
    free[row] = Math.max(free[row] ?? 0, end[event] as number);
    rows[row] ??= [];
    (rows[row] as number[]).push(event);
  }
  const node = rows.flat();
  const first = [0];
  for (const row of rows) first.push((first.at(-1) as number) + row.length);
  return {
    rows: Uint32Array.from(first),
    node: Uint32Array.from(node),
    start: Float64Array.from(node, (event) => from[event] as number),
    end: Float64Array.from(node, (event) => end[event] as number),
  };
}
