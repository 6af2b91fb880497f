import type { Span } from './view.js';

/** Less of an axis of time cannot be read. */
const LEAST = 10_000;

/** Two periods of a minute, and what a profile needs to come. */
const LATEST = 150_000;

/** The end of a range that holds an instant, to the millisecond: the end itself is no part of a range. */
export function endBehind(instant: number): number {
  return Math.floor(instant) + 1;
}

/**
 * The last so many milliseconds that there is something of: up to the present where something has come lately, else up to the
 * last that is known, so that a program that has ended is shown and not the emptiness since. It does not begin before the first
 * that is known, so that a program that runs for ten seconds has the width for them.
 * @param known the first and the last instant of the service
 */
export function lastWindow(last: number, now: number, known: Span | undefined): Span {
  if (!known) return { from: now - last, to: now };
  const isCurrent = known.to > now - Math.min(last, LATEST) && known.from < now;
  const to = isCurrent ? now : endBehind(known.to);
  return { from: Math.max(to - last, Math.min(Math.floor(known.from), to - LEAST)), to };
}
