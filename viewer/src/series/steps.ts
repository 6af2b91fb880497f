import type { Span } from '../state/view.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
  24 * HOUR,
];
/** As many points as a strip has room for, and not more than it takes to see a shape. */
const MOST_POINTS = 240;

/** The smallest step, in milliseconds, with which a span has a readable number of points. */
export function stepFor({ from, to }: Span): number {
  return STEPS.find((step) => (to - from) / step <= MOST_POINTS) ?? (STEPS.at(-1) as number);
}

/** A brush moved, made wider or begun by a key, kept within the window; undefined for keys that do nothing here. */
export function brushByKey(
  key: string,
  isWider: boolean,
  brush: Span | undefined,
  window: Span,
  step: number,
): Span | undefined {
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (direction === undefined) return undefined;
  const width = window.to - window.from;
  if (!brush) {
    const tenth = Math.max(step, width / 10);
    return direction < 0
      ? { from: window.to - tenth, to: window.to }
      : { from: window.from, to: window.from + tenth };
  }
  if (isWider) {
    const to = Math.min(window.to, Math.max(brush.from + step, brush.to + direction * step));
    return { from: brush.from, to };
  }
  const moved = Math.min(window.to - brush.to, Math.max(window.from - brush.from, direction * step));
  return { from: brush.from + moved, to: brush.to + moved };
}
