import { shorten } from './format';

/** Measures of a flame graph, in pixels of its picture: the drawing and the script inside it use the same. */
export const WIDTH = 1200;
export const MARGIN = 10;
/** Width of the whole: what the boxes are a share of. */
export const USABLE = WIDTH - 2 * MARGIN;
/** Width of one character of the labels. */
export const CHARACTER = 6.6;
/** Space before a label. */
export const INDENT = 3;
/** Boxes with room for fewer characters have no label. */
export const LEAST_CHARACTERS = 3;

/** What fits of a name into a box. */
export function label(name: string, width: number): string {
  const room = Math.floor((width - 2 * INDENT) / CHARACTER);
  return room < LEAST_CHARACTERS ? '' : shorten(name, room, 0);
}
