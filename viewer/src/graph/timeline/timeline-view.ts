import type { TimelineData } from '../../api/timeline.js';
import { type Coloring, frameColoring } from '../color/coloring.js';
import { kindColor, packageColor, SHADES, type Theme } from '../color/palette.js';
import { CanvasSurface } from '../draw/canvas-surface.js';
import { Motion } from '../draw/motion.js';
import { pageSurface } from '../draw/page-surface.js';
import { paint, rectangleAt, type Scene, type Surface } from '../draw/paint.js';
import { TextFit } from '../draw/text-fit.js';
import { pan, type Viewport, zoomAround } from '../draw/viewport.js';
import { firstAbove } from '../draw/visible.js';
import { listen, type Point } from '../input/gestures.js';
import { type Tick, ticks } from './axis.js';
import { busyColumns } from './busy.js';
import { eventName } from './describe.js';
import { depths, SELF_KINDS } from './lanes.js';
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
    const look = this.dress();
    const marks = ticks(this.view, this.model.data.from, canvas.width, TICK_DISTANCE * ratio);
    this.drawLines(marks);
    for (const lane of this.model.lanes) {
      const top = Math.round((AXIS_HEIGHT + lane.top - this.model.scrolled) * ratio);
      const height = Math.round(lane.height * ratio);
      if (top + height <= 0 || top >= canvas.height) continue;
      if (lane.events) {
        paint(pen, this.sceneOf(lane, lane.events, this.view), look.surface);
        continue;
      }
      this.drawBusy(lane, top, Math.round(busyHeight(lane) * ratio));
      if (!lane.open) continue;
      const tree = { parent: this.model.data.parent, depth: this.depth };
      const chart = stackChart(lane.samples, tree, this.model.data.node, this.view, canvas.width);
      paint(pen, this.sceneOf(lane, chart, { start: 0, end: canvas.width, top: 0 }), look.surface);
    }
    this.drawSelected();
    this.drawAxis(marks);
    this.drawRange();
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

  /** The strip of a lane: as high as the thread was busy, in the colours of whose code it ran. */
  private drawBusy(lane: PlacedLane, top: number, height: number): void {
    const { pen, canvas } = this.surface;
    const { kinds, surface } = this.dress();
    const shares = busyColumns(lane.samples, this.view, canvas.width);
    pen.fillStyle = surface.faint;
    pen.globalAlpha = 0.12;
    pen.fillRect(0, top, canvas.width, height);
    pen.globalAlpha = 1;
    const drawn = new Float64Array(canvas.width);
    for (const [kind, share] of shares.entries()) {
      pen.fillStyle = kinds[kind] as string;
      for (let column = 0; column < share.length; column++) {
        const value = (share[column] as number) * height;
        if (value <= 0) continue;
        const base = drawn[column] as number;
        // Rounded as sums, so that thin parts do not add up to more than the whole.
        const [from, to] = [Math.round(base), Math.round(base + value)];
        if (to > from) pen.fillRect(column, top + height - to, 1, to - from);
        drawn[column] = base + value;
      }
    }
  }

  private drawSelected(): void {
    const { selected, scrolled } = this.model;
    const lane =
      selected && this.model.lanes.find(({ samples }) => samples.index === selected.lane.samples.index);
    if (!selected || !lane) return;
    const { pen, ratio } = this.surface;
    const [left, right] = this.columns(
      selected.lane.samples.start[selected.at] as number,
      selected.lane.samples.end[selected.at] as number,
    );
    const line = 2 * ratio;
    pen.strokeStyle = this.dress().surface.focus;
    pen.lineWidth = line;
    pen.strokeRect(
      left - line / 2,
      (AXIS_HEIGHT + lane.top - scrolled) * ratio,
      Math.max(ratio, right - left) + line,
      lane.height * ratio,
    );
  }

  private drawRange(): void {
    const range = this.drawing ?? this.model.range;
    if (!range) return;
    const { pen, canvas, ratio } = this.surface;
    const { surface, ground } = this.dress();
    const [left, right] = this.columns(range.start, range.end);
    pen.fillStyle = ground;
    pen.globalAlpha = 0.6;
    pen.fillRect(0, 0, left, canvas.height);
    pen.fillRect(right, 0, canvas.width - right, canvas.height);
    pen.globalAlpha = 1;
    pen.fillStyle = surface.focus;
    for (const edge of [left, right]) pen.fillRect(Math.round(edge - ratio / 2), 0, ratio, canvas.height);
  }

  /** Lines at the marks of the axis, behind the lanes. */
  private drawLines(marks: Tick[]): void {
    const { pen, canvas, ratio } = this.surface;
    pen.fillStyle = this.dress().line;
    for (const { at } of marks) pen.fillRect(this.columns(at, at)[0], 0, ratio, canvas.height);
  }

  private drawAxis(marks: Tick[]): void {
    const { pen, canvas, ratio } = this.surface;
    const { surface, ground, line } = this.dress();
    const height = AXIS_HEIGHT * ratio;
    pen.fillStyle = ground;
    pen.fillRect(0, 0, canvas.width, height);
    pen.font = surface.font;
    pen.textBaseline = 'middle';
    for (const { at, text } of marks) {
      const [left] = this.columns(at, at);
      pen.fillStyle = line;
      pen.fillRect(left, 0, ratio, height);
      pen.fillStyle = surface.faint;
      pen.fillText(text, left + 4 * ratio, Math.round(height / 2));
    }
    pen.fillStyle = line;
    pen.fillRect(0, height - ratio, canvas.width, ratio);
  }

  /** Device pixels of two times, no further than a line beyond the canvas. */
  private columns(start: number, end: number): [number, number] {
    const { width } = this.surface.canvas;
    const scale = width / (this.view.end - this.view.start);
    const column = (time: number) =>
      Math.min(width + 4, Math.max(-4, Math.round((time - this.view.start) * scale)));
    return [column(start), column(end)];
  }

  private dress(): Look {
    const { theme, data } = this.model;
    const { pen, ratio } = this.surface;
    if (this.look?.surface.ratio !== ratio) this.look = makeLook(pen, ratio, theme, data);
    return this.look as Look;
  }
}

interface Look {
  surface: Surface;
  text: TextFit;
  ground: string;
  line: string;
  /** Per `SELF_KINDS`. */
  kinds: string[];
  /** Of nodes. */
  stacks: Coloring;
  /** Of samples that are events. */
  events: Coloring;
}

function makeLook(pen: CanvasRenderingContext2D, ratio: number, theme: Theme, data: TimelineData): Look {
  const surface = pageSurface(pen, ratio, theme);
  const style = getComputedStyle(pen.canvas);
  return {
    surface,
    text: new TextFit((character) => {
      pen.font = surface.font;
      return pen.measureText(character).width;
    }),
    ground: style.getPropertyValue('--ground').trim() || (theme === 'dark' ? '#16171c' : '#fff'),
    line: style.getPropertyValue('--line').trim() || '#8884',
    kinds: SELF_KINDS.map((kind) => kindColor(theme, kind, SHADES - 2)),
    stacks: frameColoring(data.frames, data.frame, 'kind', theme),
    events: eventColoring(data, theme),
  };
}

/** Garbage collections in their own colour, other events by their name. */
function eventColoring(data: TimelineData, theme: Theme): Coloring {
  const fills: string[] = [];
  const numbers = new Map<string, number>();
  return {
    fills,
    of: (sample) => {
      const name = eventName(data, sample);
      const known = numbers.get(name);
      if (known !== undefined) return known;
      fills.push(/^gc\b|garbage/i.test(name) ? kindColor(theme, 'gc') : packageColor(theme, name));
      numbers.set(name, fills.length - 1);
      return fills.length - 1;
    },
  };
}
