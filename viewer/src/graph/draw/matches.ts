import { NO_FRAME } from '../../api/tree.js';
import { GAP, type Layout } from '../layout.js';

/**
 * How many rectangles before each one are of matched frames, and at the end how many are in all: so that it takes one look whether among many drawn as one
 * there is a match.
 * @param frame of each node
 * @param matched 1 for each frame that is
 */
export function matchesBefore(layout: Layout, frame: Uint32Array, matched: Uint8Array): Uint32Array {
  const before = new Uint32Array(layout.node.length + 1);
  for (let at = 0; at < layout.node.length; at++) {
    const node = layout.node[at] as number;
    const of = node >= GAP ? NO_FRAME : (frame[node] as number);
    before[at + 1] = (before[at] as number) + (of !== NO_FRAME && matched[of] ? 1 : 0);
  }
  return before;
}
