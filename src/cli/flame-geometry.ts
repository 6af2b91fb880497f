import { shorten } from './format';

/**
 * Measures of a flame graph, in pixels: the drawing and the script inside it use the same. The width is what a viewer
 * without scripts shows; in a browser the script lays the boxes out over the window.
 */
export const WIDTH = 1200;
/** In a narrower window the picture scrolls sideways: the header would not fit. */
export const LEAST_WIDTH = 640;
export const FONT_SIZE = 12;
export const MARGIN = 10;
/** Width of the whole: what the boxes are a share of. */
export const USABLE = WIDTH - 2 * MARGIN;
/** Width of one character of the labels: six tenths of the height in the usual fixed-width fonts. */
export const CHARACTER = 7.2;
/** Space before a label. */
export const INDENT = 3;
/** Boxes with room for fewer characters have no label. */
export const LEAST_CHARACTERS = 3;

/** Space between the right edge and the buttons of the header. */
export const RESET_RIGHT = 160;
export const SEARCH_RIGHT = 60;

/** What fits of a name into a box. */
export function label(name: string, width: number): string {
  const room = Math.floor((width - 2 * INDENT) / CHARACTER);
  return room < LEAST_CHARACTERS ? '' : shorten(name, room, 0);
}
