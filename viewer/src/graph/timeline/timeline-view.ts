import type { TimelineData } from '../../api/timeline.js';
import type { Theme } from '../color/palette.js';
import { CanvasSurface } from '../draw/canvas-surface.js';
import { Motion } from '../draw/motion.js';
import { paint, rectangleAt, type Scene } from '../draw/paint.js';
import { pan, type Viewport, zoomAround } from '../draw/viewport.js';
import { firstAbove } from '../draw/visible.js';
import { listen, type Point } from '../input/gestures.js';
import { ticks } from './axis.js';
import { eventName } from './describe.js';
import { depths } from './lanes.js';
import { type Look, makeLook } from './look.js';
import { paintAxis, paintBusy, paintLines, paintRange, paintRing } from './paint-lanes.js';
import { AXIS_HEIGHT, busyHeight, type PlacedLane, ROW_HEIGHT } from './place-lanes.js';
import { stackChart } from './stack-chart.js';

/** CSS pixels between two marks of the axis. */
const TICK_DISTANCE = 110;

/** CSS pixels around an edge of the canvas and a selected sample that is brought into view. */
const REVEAL_MARGIN = 40;

export interface TimelineModel {
  data: TimelineData;
  lanes: PlacedLane[];
  theme: Theme;
  /** Milliseconds after the start of the timeline. */
  range: { start: number; end: number } | undefined;
  selected: Chosen | undefined;
  /** CSS pixels of lanes that are scrolled away. */
  scrolled: number;
}

/** A sample or an event. */
export interface Chosen {
  lane: PlacedLane;
  /** Index into the samples of the lane. */
  at: number;
  /** Node of the tree: the frame that was pointed at, or the innermost one. */
  node: number;
}

export interface TimelineEvents {
  onHover(chosen: Chosen | undefined, point: Point | undefined): void;
  onSelect(chosen: Chosen | undefined): void;
  onRange(range: { start: number; end: number }): void;
  /** By CSS pixels. */
  onScroll(by: number): boolean;
}

/** A timeline on a canvas: lanes of samples and events by time, and the axis above them. */
export class TimelineView {
  private readonly surface: CanvasSurface;
  private readonly motion: Motion;
  private readonly stopListening: () => void;
  private view: Viewport;
  private drawing: { start: number; end: number } | undefined;
  private look: Look | undefined;
  private depth: Uint32Array;

  constructor(
    canvas: HTMLCanvasElement,
    private model: TimelineModel,
    private readonly events: TimelineEvents,
  ) {
    this.view = { start: 0, end: this.span, top: 0 };
    this.depth = depths(model.data.parent);
    this.motion = new Motion((view) => {
      this.view = view;
      this.surface.invalidate();
    });
    this.surface = new CanvasSurface(canvas, () => this.draw());
    this.stopListening = listen(canvas, {
      hover: (point) => this.events.onHover(point && this.chosenAt(point), point),
      click: (point) => this.events.onSelect(this.chosenAt(point)),
      menu: () => {},
      drag: (at, from, by, shift) => {
        this.events.onHover(undefined, undefined);
        if (shift) this.pan(-by.x);
        else this.draft(from, at);
      },
      dragEnd: (at, from, shift) => {
        if (shift) return;
        this.draft(from, at);
        if (this.drawing) this.events.onRange(this.drawing);
        this.drawing = undefined;
      },
      zoom: (point, factor) => this.change(zoomAround(this.view, this.span, this.timeAt(point.x), factor)),
      pan: (by) => (by.x === 0 ? this.events.onScroll(by.y) : this.pan(by.x)),
    });
  }

  close(): void {
    this.motion.stop();
    this.stopListening();
    this.surface.close();
  }

  set(model: TimelineModel): void {
    const before = this.model;
    this.model = model;
    if (before.theme !== model.theme || before.data !== model.data) this.look = undefined;
    if (before.data !== model.data) {
      this.depth = depths(model.data.parent);
      // The same instants stay in view while they are in the new data too.
      const shift = before.data.from - model.data.from;
      const { start, end } = this.view;
      const all = start === 0 && end >= before.data.to - before.data.from;
      this.view = all ? { start: 0, end: this.span, top: 0 } : pan(this.view, this.span, shift);
    }
    if (model.selected && model.selected !== before.selected) this.reveal(model.selected);
    this.surface.invalidate();
  }

  /** Makes the view narrower around its selected sample, or its middle. */
  zoom(factor: number): void {
    const { selected } = this.model;
    const at = selected
      ? (selected.lane.samples.end[selected.at] as number)
      : (this.view.start + this.view.end) / 2;
    const inside = at > this.view.start && at < this.view.end ? at : (this.view.start + this.view.end) / 2;
    this.motion.move(this.view, zoomAround(this.view, this.span, inside, factor));
  }

  /** Shows a range of time over the whole width; without one, everything. */
  show(range?: { start: number; end: number }): void {
    this.motion.move(this.view, { ...(range ?? { start: 0, end: this.span }), top: 0 });
  }

  /** The sample of a lane that was running at the middle of what is in view. */
  middle(lane: PlacedLane): number {
    const { end } = lane.samples;
    return Math.min(end.length - 1, firstAbove(end, (this.view.start + this.view.end) / 2, 0, end.length));
  }

  private get span(): number {
    return Math.max(Number.EPSILON, this.model.data.to - this.model.data.from);
  }

  private timeAt(x: number): number {
    const { start, end } = this.view;
    return start + (x / this.surface.canvas.clientWidth) * (end - start);
  }

  private pan(pixels: number): boolean {
    const values = (pixels / this.surface.canvas.clientWidth) * (this.view.end - this.view.start);
    return this.change(pan(this.view, this.span, values));
  }

  private change(view: Viewport): boolean {
    if (view.start === this.view.start && view.end === this.view.end) return false;
    this.motion.stop();
    this.view = view;
    this.surface.invalidate();
    return true;
  }

  private draft(from: Point, to: Point): void {
    const inside = (x: number) => this.timeAt(Math.min(Math.max(0, x), this.surface.canvas.clientWidth));
    this.drawing = { start: inside(Math.min(from.x, to.x)), end: inside(Math.max(from.x, to.x)) };
    this.surface.invalidate();
  }

  private reveal({ lane, at }: Chosen): void {
    const [start, end] = [lane.samples.start[at] as number, lane.samples.end[at] as number];
    const margin = ((this.view.end - this.view.start) * REVEAL_MARGIN) / this.surface.canvas.clientWidth;
    if (end > this.view.start && start < this.view.end) return;
    const by = end <= this.view.start ? start - margin - this.view.start : end + margin - this.view.end;
    this.motion.move(this.view, pan(this.view, this.span, by));
  }

  private chosenAt({ x, y }: Point): Chosen | undefined {
    const down = y - AXIS_HEIGHT + this.model.scrolled;
    const lane =
      y < AXIS_HEIGHT
        ? undefined
        : this.model.lanes.find(({ top, height }) => down >= top && down < top + height);
    if (!lane) return undefined;
    const { ratio } = this.surface;
    const { samples } = lane;
    if (lane.events) {
      const found = rectangleAt(this.sceneOf(lane, lane.events, this.view), x * ratio, y * ratio);
      const at = lane.events.node[found];
      return at === undefined ? undefined : { lane, at, node: this.nodeOf(lane, at) };
    }
    const time = this.timeAt(x);
    const at = firstAbove(samples.end, time, 0, samples.end.length);
    if (at >= samples.end.length || (samples.start[at] as number) > time) return undefined;
    let node = this.nodeOf(lane, at);
    const row = Math.floor((down - lane.top - busyHeight(lane)) / ROW_HEIGHT);
    if (row < 0) return { lane, at, node };
    if (row >= (this.depth[node] as number)) return undefined;
    while ((this.depth[node] as number) > row + 1) node = this.model.data.parent[node] as number;
    return { lane, at, node };
  }

  private nodeOf({ samples }: PlacedLane, at: number): number {
    return this.model.data.node[samples.sample[at] as number] as number;
  }

  private draw(): void {
    const { pen, canvas, ratio } = this.surface;
    const { data, lanes, scrolled, selected } = this.model;
    const look = this.dress();
    const ground = { pen, look, width: canvas.width, height: canvas.height, view: this.view };
    const marks = ticks(this.view, data.from, canvas.width, TICK_DISTANCE * ratio);
    paintLines(ground, marks);
    for (const lane of lanes) {
      const top = Math.round((AXIS_HEIGHT + lane.top - scrolled) * ratio);
      if (top + lane.height * ratio <= 0 || top >= canvas.height) continue;
      if (lane.events) {
        paint(pen, this.sceneOf(lane, lane.events, this.view), look.surface, this.surface.raster);
        continue;
      }
      paintBusy(ground, lane.samples, top, Math.round(busyHeight(lane) * ratio));
      if (!lane.open) continue;
      const tree = { parent: data.parent, depth: this.depth };
      const chart = stackChart(lane.samples, tree, data.node, this.view, canvas.width);
      paint(
        pen,
        this.sceneOf(lane, chart, { start: 0, end: canvas.width, top: 0 }),
        look.surface,
        this.surface.raster,
      );
    }
    const chosen = selected && lanes.find(({ samples }) => samples.index === selected.lane.samples.index);
    if (selected && chosen) {
      const { start, end } = chosen.samples;
      const time = { start: start[selected.at] as number, end: end[selected.at] as number };
      paintRing(ground, time, (AXIS_HEIGHT + chosen.top - scrolled) * ratio, chosen.height * ratio);
    }
    paintAxis(ground, marks, AXIS_HEIGHT * ratio);
    const range = this.drawing ?? this.model.range;
    if (range) paintRange(ground, range);
  }

  private sceneOf(lane: PlacedLane, layout: Scene['layout'], view: Viewport): Scene {
    const { ratio, canvas } = this.surface;
    const { data } = this.model;
    const { stacks, events, text } = this.dress();
    const top = Math.round((AXIS_HEIGHT + lane.top + busyHeight(lane) - this.model.scrolled) * ratio);
    return {
      layout,
      coloring: lane.events
        ? { fills: events.fills, of: (at) => events.of(lane.samples.sample[at] as number) }
        : stacks,
      view,
      area: {
        left: 0,
        top,
        width: canvas.width,
        height: Math.max(
          0,
          Math.min(canvas.height - top, Math.round((lane.height - busyHeight(lane)) * ratio)),
        ),
      },
      rowHeight: Math.round(ROW_HEIGHT * ratio),
      upward: false,
      text,
      label: lane.events
        ? (at) => eventName(data, lane.samples.sample[at] as number)
        : (node) => data.frames.name[data.frame[node] as number] ?? '',
    };
  }

  private dress(): Look {
    const { theme, data } = this.model;
    const { pen, ratio } = this.surface;
    if (this.look?.surface.ratio !== ratio) this.look = makeLook(pen, ratio, theme, data);
    return this.look as Look;
  }
}
