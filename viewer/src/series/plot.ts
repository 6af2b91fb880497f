import uPlot from 'uplot';
import { formatClock, formatDay } from '../format/time.js';
import type { Span } from '../state/view.js';

/** What a strip draws. */
export interface Points {
  /** Starts of the steps, milliseconds since the epoch. */
  times: number[];
  /** A list for each line; null where nothing is known: a gap. */
  lines: (number | null)[][];
}

/** What a strip's plot looks like. */
export interface PlotShape {
  /** How many lines it has: one or two. */
  lines: number;
  /** Whether it has the axis of time below it. */
  isLast: boolean;
  /** Whether it is one of the lower strips, below that of the value. */
  isLow: boolean;
  /** Whether figures are bytes: then the axis is divided by powers of two. */
  isBytes: boolean;
}

/** What a strip tells of the pointer. */
export interface Told {
  /** Index of the step under the pointer. */
  hover(index: number | undefined): void;
  /** Undefined where nothing can be brushed. */
  brush: ((span: Span | undefined) => void) | undefined;
}

/** Strips of one group move their cursors together. */
const CURSORS = 'strips';
const AXIS_PIXELS = 20;
const GUTTER_PIXELS = 62;
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** A drag shorter than this is a click. */
const CLICK_PIXELS = 4;

/** Height of a strip in pixels; the last has the axis of time below it. */
export function stripHeight({ isLast, isLow }: PlotShape): number {
  return (isLow ? 36 : 58) + (isLast ? AXIS_PIXELS : 0);
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** What stands at a mark of the axis of time: the day at midnight, else the time of day. Both are in seconds. */
function timeMark(at: number, increment: number): string {
  const instant = Math.round(at * 1000);
  const date = new Date(instant);
  const isMidnight = date.getHours() + date.getMinutes() + date.getSeconds() + date.getMilliseconds() === 0;
  return isMidnight ? formatDay(date) : formatClock(0, instant, increment * 1000);
}

function axes({ isLast, isLow, isBytes }: PlotShape, format: (value: number) => string): uPlot.Axis[] {
  const common = {
    stroke: () => colour('--muted'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
  };
  return [
    {
      ...common,
      size: isLast ? AXIS_PIXELS : 0,
      gap: 4,
      space: 90,
      grid: { stroke: () => colour('--line'), width: 1 },
      values: (_plot, splits, _axis, _space, increment) =>
        splits.map((at) => (isLast ? timeMark(at, increment) : '')),
    },
    {
      ...common,
      size: GUTTER_PIXELS,
      gap: 6,
      // Less than half of a low strip's height: one mark of 1, 2, 2.5, 5 … is then always above its zero.
      space: isLow ? 12 : 24,
      ...(isBytes && { incrs: POWERS_OF_TWO }),
      grid: { stroke: () => colour('--line'), width: 1 },
      values: (_plot, splits) => splits.map(format),
    },
  ];
}

/** Makes a strip's plot. uPlot reckons time in seconds; everything outside of this module is in milliseconds. */
export function makePlot(
  host: HTMLElement,
  width: number,
  shape: PlotShape,
  format: (value: number) => string,
  told: Told,
): uPlot {
  const options: uPlot.Options = {
    width,
    height: stripHeight(shape),
    padding: [6, 8, shape.isLast ? 0 : 4, 0],
    legend: { show: false },
    cursor: {
      sync: { key: CURSORS, setSeries: false },
      y: false,
      points: { size: 5 },
      drag: { x: told.brush !== undefined, y: false, setScale: false, dist: CLICK_PIXELS },
    },
    scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: axes(shape, format),
    series: [
      {},
      { ...line(), stroke: () => colour('--strip'), fill: () => colour('--strip-fill') },
      ...(shape.lines > 1 ? [{ ...line(), stroke: () => colour('--strip-second') }] : []),
    ],
    hooks: {
      setCursor: [(plot) => told.hover(plot.cursor.idx ?? undefined)],
      setSelect: [
        (plot) => {
          const { left, width: selected } = plot.select;
          if (selected < CLICK_PIXELS) told.brush?.(undefined);
          else
            told.brush?.({
              from: Math.round(plot.posToVal(left, 'x') * 1000),
              to: Math.round(plot.posToVal(left + selected, 'x') * 1000),
            });
        },
      ],
    },
  };
  const none = Array.from({ length: 1 + shape.lines }, () => []);
  const plot = new uPlot(options, none as unknown as uPlot.AlignedData, host);
  onClick(plot.over, () => told.brush?.(undefined));
  return plot;
}

/** uPlot tells of a click in no hook, though it hides what was selected. What follows a drag is no click. */
function onClick(over: HTMLElement, act: () => void): void {
  let pressed = 0;
  over.addEventListener('mousedown', ({ clientX }) => {
    pressed = clientX;
  });
  over.addEventListener('click', ({ clientX }) => {
    if (Math.abs(clientX - pressed) < CLICK_PIXELS) act();
  });
}

function line(): uPlot.Series {
  return {
    width: 1.25,
    points: { show: false },
    paths: (uPlot.paths.stepped as uPlot.Series.SteppedPathBuilderFactory)({ align: 1 }),
  };
}

/** Draws other points, in the window of all strips. */
export function drawPoints(plot: uPlot, { times, lines }: Points, window: Span): void {
  plot.batch(() => {
    plot.setData([times.map((time) => time / 1000), ...lines], false);
    plot.setScale('x', { min: window.from / 1000, max: window.to / 1000 });
    const largest = lines.flat().reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
    plot.setScale('y', { min: 0, max: largest });
  });
}

/** Draws the brush, without telling of it. */
export function drawBrush(plot: uPlot, brush: Span | undefined): void {
  const left = brush ? plot.valToPos(brush.from / 1000, 'x') : 0;
  const width = brush ? plot.valToPos(brush.to / 1000, 'x') - left : 0;
  plot.setSelect({ left, width, top: 0, height: brush ? plot.over.clientHeight : 0 }, false);
}
