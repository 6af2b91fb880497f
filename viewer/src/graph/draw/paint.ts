import type { Coloring } from '../color/coloring.js';
import { GAP, type Rectangles } from '../layout.js';
import { leftToRight } from './left-to-right.js';
import { pixelOf, type Raster } from './raster.js';
import type { TextFit } from './text-fit.js';
import type { Viewport } from './viewport.js';
import { eachVisible } from './visible.js';

/** What is used of a canvas' context: tests count with one of their own. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | 'fillRect'
  | 'strokeRect'
  | 'fillText'
  | 'putImageData'
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'font'
  | 'textBaseline'
  | 'globalAlpha'
>;

/** Where on the canvas, in device pixels. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Colours and font that the page gives, and the screen. */
export interface Surface {
  /** On frames. */
  text: string;
  /** On the ground, and on frames that a search has not found. */
  faint: string;
  /** Of what was left out. */
  gap: string | CanvasPattern;
  focus: string;
  font: string;
  /** Device pixels of a CSS pixel. */
  ratio: number;
}

/** Rectangles to draw, and how. What a rectangle stands for is the business of `coloring` and `label`: a node of a tree, or an event. */
export interface Scene {
  layout: Rectangles;
  coloring: Coloring;
  view: Viewport;
  area: Area;
  /** Device pixels. */
  rowHeight: number;
  /** The root is at the bottom of the area. */
  upward: boolean;
  text: TextFit;
  /** The text on a node, and what follows it where there is room. */
  label: (node: number) => string;
  more?: (node: number) => string;
  /** How many of the rectangles before each one are matched, and of all at the end; what is not matched is dimmed. */
  matchesBefore?: Uint32Array;
  /** Rectangles with a ring. */
  selected?: number;
  hovered?: number;
}

/** CSS pixels of a rectangle below which it has no text. */
const LEAST_TEXT = 22;
const PADDING = 4;
/** How much of its colour a frame keeps that a search has not found. */
const DIMMED = 0.25;
/** Boxes of one fill are drawn together: 0 is that of gaps, then each colour has one number, and one for where it is dimmed. */
const GAP_FILL = 0;

interface Label {
  node: number;
  left: number;
  right: number;
  top: number;
  dim: boolean;
}

/** Boxes beyond which writing pixels costs less than calls. Below, the canvas need not be replaced as a whole. */
const MANY = 1500;

/**
 * Draws a scene, one colour after another, then texts and rings, and answers with the number of rectangles.
 * @param raster makes pixels of the whole canvas, asked for when there are many boxes; where it is given, they replace what was in the area before
 */
export function paint(pen: Pen, scene: Scene, surface: Surface, raster?: () => Raster): number {
  const { layout, area } = scene;
  const boxes: number[][] = [];
  const labels: Label[] = [];
  const tops: number[] = [];
  let count = 0;
  const [firstRow, behindRow] = visibleRows(scene);
  for (let row = firstRow; row < behindRow; row++) {
    const top = rowTop(scene, row);
    tops.push(top);
    const from = layout.rows[row] as number;
    eachVisible(
      layout.start,
      layout.end,
      from,
      layout.rows[row + 1] as number,
      scene.view,
      area.width,
      (first, behind, left, right) => {
        const at = widest(layout, first, behind);
        const node = layout.node[at] as number;
        const dim =
          scene.matchesBefore !== undefined && scene.matchesBefore[first] === scene.matchesBefore[behind];
        const filled = node >= GAP ? GAP_FILL : scene.coloring.of(node) * 2 + (dim ? 2 : 1);
        // A line of the ground between neighbours, where there is room for it.
        const width = right - left > 3 ? right - left - 1 : right - left;
        const box = boxes[filled];
        if (box) box.push(area.left + left, top, width);
        else boxes[filled] = [area.left + left, top, width];
        if (right - left >= LEAST_TEXT * surface.ratio)
          labels.push({ node, left: area.left + left, right: area.left + right, top, dim });
        count++;
      },
    );
  }
  const height = scene.rowHeight - Math.max(1, Math.round(surface.ratio / 2));
  if (raster && count > MANY) {
    const colors = boxes.map((_, filled) =>
      filled === GAP_FILL ? 0 : pixelOf(colorOf(scene, filled), alphaOf(filled)),
    );
    const pixels = raster();
    pixels.replace(area, boxes, colors, tops, height);
    pen.putImageData(pixels.image as ImageData, 0, 0, area.left, area.top, area.width, area.height);
    fill(pen, scene, surface, boxes.slice(0, GAP_FILL + 1), height);
  } else {
    fill(pen, scene, surface, boxes, height);
  }
  write(pen, scene, surface, labels);
  ring(pen, scene, surface, scene.hovered, 1);
  ring(pen, scene, surface, scene.selected, 2);
  return count;
}

type Place = Pick<Scene, 'layout' | 'view' | 'area' | 'rowHeight' | 'upward'>;

/** Rows that reach into the area: the first, and the one behind the last. */
function visibleRows({ layout, view, area, rowHeight }: Place): [number, number] {
  const first = Math.max(0, Math.floor(view.top));
  return [first, Math.min(layout.rows.length - 1, Math.ceil(view.top + area.height / rowHeight))];
}

/** Device pixels from the top of the canvas to that of a row. */
export function rowTop({ view, area, rowHeight, upward }: Place, row: number): number {
  const offset = Math.round((row - view.top) * rowHeight);
  return upward ? area.top + area.height - offset - rowHeight : area.top + offset;
}

/** The rectangle at a place in device pixels, -1 where there is none. Of several that were drawn as one, the one that gave its colour. */
export function rectangleAt(place: Place, x: number, y: number): number {
  const { layout, view, area, rowHeight, upward } = place;
  const down = upward ? area.top + area.height - y : y - area.top;
  const row = Math.floor(down / rowHeight + view.top);
  if (row < 0 || row >= layout.rows.length - 1 || down < 0 || down >= area.height) return -1;
  const pixel = Math.floor(x - area.left);
  const from = layout.rows[row] as number;
  let found = -1;
  eachVisible(
    layout.start,
    layout.end,
    from,
    layout.rows[row + 1] as number,
    view,
    area.width,
    (first, behind, left, right) => {
      if (pixel >= left && pixel < right) found = widest(layout, first, behind);
    },
  );
  return found;
}

function widest({ start, end }: Rectangles, first: number, behind: number): number {
  if (behind - first === 1) return first;
  let best = first;
  let width = -1;
  for (let at = first; at < behind; at++) {
    const own = (end[at] as number) - (start[at] as number);
    if (own <= width) continue;
    best = at;
    width = own;
  }
  return best;
}

function alphaOf(filled: number): number {
  return filled !== GAP_FILL && filled % 2 === 0 ? DIMMED : 1;
}

function colorOf({ coloring }: Scene, filled: number): string {
  return coloring.fills[(filled - 1) >> 1] as string;
}

function fill(pen: Pen, scene: Scene, surface: Surface, boxes: number[][], height: number): void {
  for (const [filled, box] of boxes.entries()) {
    if (!box) continue;
    pen.globalAlpha = alphaOf(filled);
    pen.fillStyle = filled === GAP_FILL ? surface.gap : colorOf(scene, filled);
    for (let at = 0; at < box.length; at += 3) {
      pen.fillRect(box[at] as number, box[at + 1] as number, box[at + 2] as number, height);
    }
  }
  pen.globalAlpha = 1;
}

function write(pen: Pen, scene: Scene, { text, faint, font, ratio }: Surface, labels: Label[]): void {
  pen.font = font;
  pen.textBaseline = 'middle';
  for (const dim of [false, true]) {
    pen.fillStyle = dim ? faint : text;
    for (const { node, left, right, top, dim: dimmed } of labels) {
      if ((dimmed || node >= GAP) !== dim) continue;
      const room = right - left - 2 * PADDING * ratio;
      const name = node >= GAP ? 'not shown' : leftToRight(scene.label(node));
      let shown = scene.text.fit(name, room);
      if (shown === '') continue;
      if (shown === name && node < GAP && scene.more) {
        const both = `${name}  ${scene.more(node)}`;
        if (scene.text.width(both) <= room) shown = both;
      }
      pen.fillText(shown, left + PADDING * ratio, top + Math.round(scene.rowHeight / 2));
    }
  }
}

function ring(
  pen: Pen,
  scene: Scene,
  surface: Surface,
  rectangle: number | undefined,
  thickness: number,
): void {
  if (rectangle === undefined) return;
  const { layout, view, area, rowHeight } = scene;
  const scale = area.width / (view.end - view.start);
  const left = Math.max(0, Math.round(((layout.start[rectangle] as number) - view.start) * scale));
  const right = Math.min(area.width, Math.round(((layout.end[rectangle] as number) - view.start) * scale));
  const row = layout.rows.findIndex((first) => first > rectangle) - 1;
  const [first, behind] = visibleRows(scene);
  if (right < 0 || left > area.width || row < first || row >= behind) return;
  const line = thickness * surface.ratio;
  pen.strokeStyle = surface.focus;
  pen.lineWidth = line;
  const width = Math.max(line, right - left - 1);
  pen.strokeRect(
    area.left + left + line / 2,
    rowTop(scene, row) + line / 2,
    width - line,
    rowHeight - line - surface.ratio / 2,
  );
}
