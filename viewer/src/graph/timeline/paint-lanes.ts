import type { Pen } from '../draw/paint.js';
import type { Tick } from './axis.js';
import { busyColumns } from './busy.js';
import type { LaneSamples } from './lanes.js';
import type { Look } from './look.js';

/** A canvas in device pixels, and the time it shows, in milliseconds after the start of the timeline. */
export interface Ground {
  pen: Pen;
  look: Look;
  width: number;
  height: number;
  view: { start: number; end: number };
}

/** How much of what lies outside a chosen range is covered. */
const COVERED = 0.6;

/** How much of the faint colour the ground of a strip has. */
const IDLE = 0.12;

/** CSS pixels of one bar of a strip: there may be dozens of lanes, and each bar has a part for each kind. */
const BAR = 2;

/** The strip of a lane: as high as the thread was busy, in the colours of whose code it ran. */
export function paintBusy(
  { pen, look, width, view }: Ground,
  samples: LaneSamples,
  top: number,
  height: number,
): void {
  pen.fillStyle = look.surface.faint;
  pen.globalAlpha = IDLE;
  pen.fillRect(0, top, width, height);
  pen.globalAlpha = 1;
  const bar = Math.round(BAR * look.surface.ratio);
  const bars = Math.ceil(width / bar);
  const end = view.start + ((view.end - view.start) * bars * bar) / width;
  const below = new Float64Array(bars);
  for (const [kind, share] of busyColumns(samples, { start: view.start, end }, bars).entries()) {
    pen.fillStyle = look.kinds[kind] as string;
    // Bars beside each other with the same heights are one rectangle.
    let first = 0;
    let from = 0;
    let to = 0;
    for (let at = 0; at <= bars; at++) {
      const base = below[at] ?? 0;
      const sum = base + (share[at] ?? 0) * height;
      // Rounded as sums, so that thin parts do not add up to more than the whole.
      const [nextFrom, nextTo] = [Math.round(base), Math.round(sum)];
      if (at === bars || nextFrom !== from || nextTo !== to) {
        if (to > from) pen.fillRect(first * bar, top + height - to, (at - first) * bar, to - from);
        [first, from, to] = [at, nextFrom, nextTo];
      }
      below[at] = sum;
    }
  }
}

/** Lines at the marks of the axis, to be drawn before the lanes. */
export function paintLines(ground: Ground, marks: Tick[]): void {
  const { pen, look, height } = ground;
  pen.fillStyle = look.line;
  for (const { at } of marks) pen.fillRect(columnOf(ground, at), 0, look.surface.ratio, height);
}

/** The axis itself, over what has been scrolled away. */
export function paintAxis(ground: Ground, marks: Tick[], height: number): void {
  const { pen, look, width } = ground;
  const { surface, line } = look;
  const { ratio } = surface;
  pen.fillStyle = look.ground;
  pen.fillRect(0, 0, width, height);
  pen.font = surface.font;
  pen.textBaseline = 'middle';
  for (const { at, text } of marks) {
    const left = columnOf(ground, at);
    pen.fillStyle = line;
    pen.fillRect(left, 0, ratio, height);
    pen.fillStyle = surface.faint;
    pen.fillText(text, left + 4 * ratio, Math.round(height / 2));
  }
  pen.fillStyle = line;
  pen.fillRect(0, height - ratio, width, ratio);
}

/** Covers what lies outside a range. */
export function paintRange(ground: Ground, range: { start: number; end: number }): void {
  const { pen, look, width, height } = ground;
  const { focus, ratio } = look.surface;
  const [left, right] = [columnOf(ground, range.start), columnOf(ground, range.end)];
  pen.fillStyle = look.ground;
  pen.globalAlpha = COVERED;
  pen.fillRect(0, 0, left, height);
  pen.fillRect(right, 0, width - right, height);
  pen.globalAlpha = 1;
  pen.fillStyle = focus;
  for (const edge of [left, right]) pen.fillRect(Math.round(edge - ratio / 2), 0, ratio, height);
}

/** A ring around a time in a lane. */
export function paintRing(
  ground: Ground,
  time: { start: number; end: number },
  top: number,
  height: number,
): void {
  const { pen, look } = ground;
  const { focus, ratio } = look.surface;
  const [left, right] = [columnOf(ground, time.start), columnOf(ground, time.end)];
  const line = 2 * ratio;
  pen.strokeStyle = focus;
  pen.lineWidth = line;
  pen.strokeRect(left - line / 2, top, Math.max(ratio, right - left) + line, height);
}

/** The column of a time, no further than a line beyond the canvas. */
function columnOf({ width, view }: Ground, time: number): number {
  const column = Math.round(((time - view.start) / (view.end - view.start)) * width);
  return Math.min(width + 4, Math.max(-4, column));
}
