import type { TimelineData } from '../api/timeline.js';

/** What is in a range of a timeline. */
export interface Amount {
  /** Samples that reach into the range. */
  samples: number;
  /** Nanoseconds. */
  cpu: number;
  wall: number;
}

/**
 * Adds up the samples of a range, milliseconds since the epoch. One that reaches over an end of it counts by the part inside, so
 * that ranges side by side add up.
 */
export function amountOf(data: TimelineData, range: { from: number; to: number }): Amount {
  const amount = { samples: 0, cpu: 0, wall: 0 };
  // Counted from the first instant: of milliseconds since the epoch, a number has a quarter of a microsecond left, in which a sample may be nothing.
  const [from, to] = [range.from - data.from, range.to - data.from];
  for (let sample = 0; sample < data.lane.length; sample++) {
    const wall = data.wall[sample] as number;
    const end = data.end[sample] as number;
    const start = end - wall / 1e6;
    const inside = Math.min(end, to) - Math.max(start, from);
    // A sample without a length is where it ends.
    const part = end > start ? Math.max(0, inside) / (end - start) : Number(end > from && end <= to);
    if (part === 0) continue;
    amount.samples++;
    amount.wall += wall * part;
    amount.cpu += (data.cpu[sample] as number) * part;
  }
  return amount;
}
