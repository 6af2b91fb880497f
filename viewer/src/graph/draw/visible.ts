/**
 * Goes through the rectangles of a row that are on the screen. Every pixel column belongs to one call at most: rectangles that are too narrow to get a
 * column of their own are merged into one of a single pixel, so there are never more calls than columns, whatever the number of rectangles.
 *
 * @param starts starts of rectangles, rising
 * @param ends their ends, none beyond the start of the next
 * @param from the first rectangle of the row
 * @param to behind the last one
 * @param pixels columns from `view.start` to `view.end`
 * @param draw gets the first of the rectangles drawn as one, the one behind the last, and the columns from `left` to before `right`
 */
export function eachVisible(
  starts: Float64Array,
  ends: Float64Array,
  from: number,
  to: number,
  view: { start: number; end: number },
  pixels: number,
  draw: (first: number, behind: number, left: number, right: number) => void,
): void {
  const scale = pixels / (view.end - view.start);
  if (!(scale > 0) || scale === Number.POSITIVE_INFINITY) return;
  let free = 0;
  let at = firstAbove(ends, view.start, from, to);
  while (at < to && free < pixels) {
    const start = starts[at] as number;
    if (start >= view.end) return;
    const end = ends[at] as number;
    if (end <= start) {
      at++;
      continue;
    }
    let left = Math.max(free, Math.round((start - view.start) * scale));
    let right = Math.min(pixels, Math.round((end - view.start) * scale));
    if (right <= left) {
      left = Math.max(free, Math.floor((start - view.start) * scale));
      right = left + 1;
      if (left >= pixels) return;
    }
    // Those that end in the last column are drawn with this one. One that reaches out of it has columns of its own.
    const behind = firstAbove(ends, view.start + right / scale, at + 1, to);
    draw(at, behind, left, right);
    free = right;
    at = behind;
  }
}

/** The first index in `from` to before `to` whose value is above `limit`; `to` when there is none. Near ones are found soonest. */
export function firstAbove(sorted: Float64Array, limit: number, from: number, to: number): number {
  let low = from;
  let step = 1;
  while (low + step <= to && (sorted[low + step - 1] as number) <= limit) {
    low += step;
    step *= 2;
  }
  let high = Math.min(to, low + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
