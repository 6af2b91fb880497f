import { firstAbove } from '../draw/visible.js';
import type { LaneSamples } from './lanes.js';

/**
 * How busy a lane was in each column of the screen, by whose code it ran: for each kind a share of the column's time, 0 to 1 and together 1 at the most.
 * What a sample stands for is spread evenly over its time. The cost follows the columns, not the samples.
 */
export function busyColumns(
  { start, end, before }: LaneSamples,
  view: { start: number; end: number },
  columns: number,
): Float64Array[] {
  const width = (view.end - view.start) / columns;
  const shares = before.map(() => new Float64Array(columns));
  const last = before.map(() => 0);
  let at = firstAbove(end, view.start, 0, end.length);
  for (let edge = 0; edge <= columns; edge++) {
    const time = view.start + edge * width;
    at = firstAbove(end, time, at, end.length);
    // The share of the sample at this instant that lies before it.
    const whole = (end[at] as number) - (start[at] as number);
    const part = at < end.length && time > (start[at] as number) ? (time - (start[at] as number)) / whole : 0;
    for (const [kind, sums] of before.entries()) {
      const done = sums[at] as number;
      const now = part > 0 ? done + ((sums[at + 1] as number) - done) * part : done;
      if (edge > 0) (shares[kind] as Float64Array)[edge - 1] = (now - (last[kind] as number)) / width;
      last[kind] = now;
    }
  }
  for (let column = 0; column < columns; column++) {
    const sum = shares.reduce((total, share) => total + (share[column] as number), 0);
    // A thread's clock and the wall clock are read one after the other: a busy thread may seem to have run for longer than the time.
    if (sum > 1) for (const share of shares) share[column] = (share[column] as number) / sum;
  }
  return shares;
}
