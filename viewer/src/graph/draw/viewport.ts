/** The part of a graph that is on the screen: horizontally in the unit of its values, vertically the rows that are scrolled away. */
export interface Viewport {
  start: number;
  end: number;
  top: number;
}

/** How far a graph can be zoomed: beyond, a pixel is less than what a double tells apart. */
const LARGEST_ZOOM = 1e9;

/** The viewport with its width divided by `factor` and the value `at` where it was, within 0 to `span`. */
export function zoomAround(view: Viewport, span: number, at: number, factor: number): Viewport {
  const before = view.end - view.start;
  const width = Math.min(span, Math.max(span / LARGEST_ZOOM, before / factor));
  const start = at - ((at - view.start) / before) * width;
  return within({ start, end: start + width, top: view.top }, span);
}

/** The viewport moved by values, as far as the graph reaches. */
export function pan(view: Viewport, span: number, by: number): Viewport {
  return within({ start: view.start + by, end: view.end + by, top: view.top }, span);
}

function within(view: Viewport, span: number): Viewport {
  const width = view.end - view.start;
  if (width >= span) return { start: 0, end: span, top: view.top };
  const start = Math.min(Math.max(0, view.start), span - width);
  // The sum of start and width may round to beyond the span.
  return { start, end: Math.min(span, start + width), top: view.top };
}

/**
 * A viewport on the way from one to another, `progress` from 0 to 1. The width changes by the same factor in each step, so zooming looks even, and
 * what both show stays in sight.
 */
export function between(from: Viewport, to: Viewport, progress: number): Viewport {
  if (progress >= 1) return to;
  const top = from.top + (to.top - from.top) * progress;
  const [before, after] = [from.end - from.start, to.end - to.start];
  if (before <= 0 || after <= 0) return { ...to, top };
  const width = before * (after / before) ** progress;
  const moved = before === after ? progress : (width - before) / (after - before);
  const start = from.start + (to.start - from.start) * moved;
  return { start, end: start + width, top };
}
