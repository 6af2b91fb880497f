import { formatClock } from '../../format/time.js';

export interface Tick {
  /** Milliseconds after the start of the timeline. */
  at: number;
  text: string;
}

/** Milliseconds. Below them, steps are 1, 2 and 5 times a power of ten. */
const LONG_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1200e3,
  1800e3, 3600e3, 7200e3, 14400e3, 28800e3, 86400e3,
];

/** Length of a step in milliseconds: the shortest that leaves `least` pixels to each. */
export function stepFor(millisecondsPerPixel: number, least: number): number {
  const wanted = millisecondsPerPixel * least;
  if (wanted > 0.5) return LONG_STEPS.find((step) => step >= wanted) ?? (LONG_STEPS.at(-1) as number);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 5, 10].find((factor) => factor * power >= wanted) as number) * power;
}

/**
 * The marks of a time axis: at round times of the clock on the wall, in the reader's time zone.
 * @param from milliseconds since the epoch at the start of the timeline
 * @param least pixels between two marks
 */
export function ticks(
  view: { start: number; end: number },
  from: number,
  pixels: number,
  least: number,
): Tick[] {
  const step = stepFor((view.end - view.start) / pixels, least);
  const shift = new Date(from).getTimezoneOffset() * -60_000;
  // Times since the epoch leave no digits for parts of a millisecond: count from a round time nearby.
  const origin = Math.floor((from + shift) / 86_400_000) * 86_400_000 - shift;
  const begin = from - origin;
  const first = Math.ceil((view.start + begin) / step);
  const list: Tick[] = [];
  for (let index = first; ; index++) {
    const at = index * step - begin;
    if (at > view.end) return list;
    list.push({ at, text: formatClock(origin, index * step, step) });
  }
}

/** The time of day of an instant, to the millisecond. `at` is milliseconds after `from`, which is since the epoch. */
export function timeOfDay(from: number, at: number): string {
  const origin = Math.floor(from / 1000) * 1000;
  return formatClock(origin, at + from - origin, 1);
}
