import type { Tree } from '../../api/tree.js';
import { formatShare } from '../../format/value.js';
import type { Coloring } from '../color/coloring.js';
import type { Theme } from '../color/palette.js';
import { nameOf } from '../details.js';
import { CanvasSurface } from '../draw/canvas-surface.js';
import { Motion } from '../draw/motion.js';
import { pageSurface } from '../draw/page-surface.js';
import { paint, rectangleAt, rowTop, type Scene, type Surface } from '../draw/paint.js';
import { TextFit } from '../draw/text-fit.js';
import { pan, type Viewport, zoomAround } from '../draw/viewport.js';
import { listen, type Point } from '../input/gestures.js';
import { GAP, type Layout } from '../layout.js';

/** CSS pixels. */
const ROW_HEIGHT = 20;

/** CSS pixels below which a selected frame is brought into view. */
const LEAST_SELECTED = 4;

export interface FlameModel {
  tree: Tree;
  layout: Layout;
  coloring: Coloring;
  theme: Theme;
  upward: boolean;
  matchesBefore?: Uint32Array;
  /** Node that is as wide as the canvas, unless the reader moves away from it. */
  zoomed: number;
  /** -1: none. */
  selected: number;
}

export interface FlameEvents {
  /** The node under the pointer, with `GAP` for what was left out below it; undefined: none. */
  onHover(node: number | undefined, point: Point | undefined): void;
  onClick(node: number): void;
  onMenu(node: number, point: { clientX: number; clientY: number }): void;
}

/** A flame graph or icicle on a canvas: what of it is seen, and what the pointer does. */
export class FlameView {
  private readonly surface: CanvasSurface;
  private readonly motion: Motion;
  private readonly stopListening: () => void;
  private view: Viewport = { start: 0, end: 0, top: 0 };
  private hovered: number | undefined;
  private look: { theme: Theme; ratio: number; surface: Surface; text: TextFit } | undefined;

  constructor(
    canvas: HTMLCanvasElement,
    private model: FlameModel,
    private readonly events: FlameEvents,
  ) {
    this.motion = new Motion((view) => this.show(view));
    this.view = { ...this.rangeOf(model.zoomed), top: 0 };
    this.surface = new CanvasSurface(canvas, () => this.draw());
    this.show({ ...this.view, top: this.topFor(model.zoomed) });
    this.stopListening = listen(canvas, {
      hover: (point) => this.hover(point),
      click: (point) => {
        const node = this.nodeAt(point);
        if (node !== undefined) this.events.onClick(node % GAP);
      },
      menu: (point) => {
        const node = this.nodeAt(point);
        if (node !== undefined) this.events.onMenu(node % GAP, point);
      },
      drag: (_, __, by) => {
        this.hover(undefined);
        this.move({ x: -by.x, y: -by.y });
      },
      zoom: (point, factor) => this.zoom(point.x, factor),
      pan: (by) => this.move(by),
    });
  }

  close(): void {
    this.motion.stop();
    this.stopListening();
    this.surface.close();
  }

  /** Shows another model. Another tree keeps the part in view that the reader had chosen; another zoom is moved to. */
  set(model: FlameModel): void {
    const before = this.model;
    const range = this.rangeOf(before.zoomed);
    this.model = model;
    if (before.theme !== model.theme) this.look = undefined;
    if (before.tree !== model.tree) {
      this.motion.stop();
      this.hovered = undefined;
      const target = this.rangeOf(model.zoomed);
      const scale = (target.end - target.start) / (range.end - range.start);
      const kept = {
        start: target.start + (this.view.start - range.start) * scale,
        end: target.end + (this.view.end - range.end) * scale,
        top: this.view.top,
      };
      this.show(Number.isFinite(scale) && scale > 0 && kept.end > kept.start ? kept : { ...target, top: 0 });
    } else if (before.zoomed !== model.zoomed) {
      this.resetZoom();
    }
    if (model.selected >= 0 && (before.selected !== model.selected || before.tree !== model.tree))
      this.reveal(model.selected);
    this.surface.invalidate();
  }

  /** Back to the node that is zoomed to. */
  resetZoom(): void {
    this.motion.move(this.view, { ...this.rangeOf(this.model.zoomed), top: this.topFor(this.model.zoomed) });
  }

  /** Whether the reader has moved away from the node that is zoomed to. */
  get moved(): boolean {
    const { start, end } = this.rangeOf(this.model.zoomed);
    return this.view.start !== start || this.view.end !== end;
  }

  /** The middle of a node's rectangle in the window, as far as it is in view. */
  placeOf(node: number): { clientX: number; clientY: number } {
    const box = this.surface.canvas.getBoundingClientRect();
    const { start, end } = this.rangeOf(node);
    const middle = (Math.max(start, this.view.start) + Math.min(end, this.view.end)) / 2;
    const x = ((middle - this.view.start) / (this.view.end - this.view.start)) * box.width;
    const scene = this.scene();
    const y = (rowTop(scene, this.model.layout.depth[node] as number) + scene.rowHeight) / this.surface.ratio;
    return {
      clientX: box.left + Math.min(box.width, Math.max(0, x)),
      clientY: box.top + Math.min(box.height, Math.max(0, y)),
    };
  }

  /** Scrolls by rows; a part of the canvas' height is how far a page goes. */
  scroll(pages: number): void {
    this.move({ x: 0, y: pages * this.surface.canvas.clientHeight * (this.model.upward ? -1 : 1) });
  }

  private rangeOf(node: number): { start: number; end: number } {
    const { layout } = this.model;
    const at = layout.rectangle[node] ?? 0;
    const [start, end] = [layout.start[at] as number, layout.end[at] as number];
    return end > start ? { start, end } : { start: 0, end: layout.span };
  }

  private rowsInView(): number {
    return this.surface.canvas.clientHeight / ROW_HEIGHT;
  }

  private largestTop(): number {
    return Math.max(0, this.model.layout.rows.length - 1 - this.rowsInView());
  }

  /** Rows to scroll away so that a node is in view: none while it is. */
  private topFor(node: number): number {
    const row = this.model.layout.depth[node] ?? 0;
    const inView = this.rowsInView();
    const top = Math.min(this.view.top, this.largestTop());
    if (row >= top && row + 1 <= top + inView) return top;
    return Math.min(this.largestTop(), Math.max(0, row - Math.floor(inView / 2)));
  }

  private show(view: Viewport): void {
    this.view = { ...view, top: Math.min(Math.max(0, view.top), this.largestTop()) };
    this.surface?.invalidate();
  }

  private zoom(x: number, factor: number): boolean {
    const { view } = this;
    const at = view.start + (x / this.surface.canvas.clientWidth) * (view.end - view.start);
    return this.change(zoomAround(view, this.model.layout.span, at, factor));
  }

  private move(by: { x: number; y: number }): boolean {
    const { view } = this;
    const values = (by.x / this.surface.canvas.clientWidth) * (view.end - view.start);
    const rows = (by.y / ROW_HEIGHT) * (this.model.upward ? -1 : 1);
    const { start, end } = pan(view, this.model.layout.span, values);
    return this.change({ start, end, top: Math.min(Math.max(0, view.top + rows), this.largestTop()) });
  }

  private change(to: Viewport): boolean {
    const { start, end, top } = this.view;
    if (to.start === start && to.end === end && to.top === top) return false;
    this.motion.stop();
    this.show(to);
    return true;
  }

  /** Moves as little as is needed to see a node; what is too narrow to see is made wide enough. */
  private reveal(node: number): void {
    const { tree, layout } = this.model;
    const { start, end } = this.rangeOf(node);
    const width = this.view.end - this.view.start;
    const pixels = ((end - start) / width) * this.surface.canvas.clientWidth;
    const top = this.topFor(node);
    if (pixels < LEAST_SELECTED) {
      const { start: from, end: to } = this.rangeOf(tree.parent[node] as number);
      const narrow = Math.min(to - from, ((end - start) * this.surface.canvas.clientWidth) / LEAST_SELECTED);
      const left = Math.min(Math.max(from, (start + end - narrow) / 2), to - narrow);
      this.motion.move(this.view, { start: left, end: left + narrow, top });
      return;
    }
    let by = 0;
    if (end <= this.view.start || (start < this.view.start && end - start < width))
      by = start - this.view.start;
    else if (start >= this.view.end || (end > this.view.end && end - start < width)) by = end - this.view.end;
    if (by === 0 && top === this.view.top) return;
    this.motion.move(this.view, { ...pan(this.view, layout.span, by), top });
  }

  private nodeAt({ x, y }: Point): number | undefined {
    const { ratio } = this.surface;
    const at = rectangleAt(this.scene(), x * ratio, y * ratio);
    return at < 0 ? undefined : this.model.layout.node[at];
  }

  private hover(point: Point | undefined): void {
    const node = point && this.nodeAt(point);
    if (node !== this.hovered) this.surface.invalidate();
    this.hovered = node;
    this.surface.canvas.style.cursor = node === undefined ? 'default' : 'pointer';
    this.events.onHover(node, point);
  }

  private scene(): Scene {
    const { layout, coloring, upward, tree, selected, matchesBefore } = this.model;
    const { canvas, ratio } = this.surface;
    const { text } = this.dress();
    return {
      layout,
      coloring,
      view: this.view,
      area: { left: 0, top: 0, width: canvas.width, height: canvas.height },
      rowHeight: Math.round(ROW_HEIGHT * ratio),
      upward,
      text,
      label: (node) => nameOf(tree, node),
      more: (node) => formatShare(widthOf(layout, node), layout.span),
      ...(matchesBefore && { matchesBefore }),
      ...(selected >= 0 && { selected: layout.rectangle[selected] as number }),
      ...(this.hovered !== undefined &&
        this.hovered < GAP && { hovered: layout.rectangle[this.hovered] as number }),
    };
  }

  /** Colours and measured texts, which hold until the theme or the screen is another. */
  private dress(): { surface: Surface; text: TextFit } {
    const { theme } = this.model;
    const { pen, ratio } = this.surface;
    if (this.look?.theme !== theme || this.look.ratio !== ratio) {
      const surface = pageSurface(pen, ratio, theme);
      const text = new TextFit((character) => {
        pen.font = surface.font;
        return pen.measureText(character).width;
      });
      this.look = { theme, ratio, surface, text };
    }
    return this.look;
  }

  private draw(): void {
    paint(this.surface.pen, this.scene(), this.dress().surface, this.surface.raster);
  }
}

function widthOf(layout: Layout, node: number): number {
  const at = layout.rectangle[node] as number;
  return (layout.end[at] as number) - (layout.start[at] as number);
}
