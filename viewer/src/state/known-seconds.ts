import type { Span } from './view.js';

/**
 * The seconds of a span in which there is something of the service. Rates are by these: a window is wider than a short program, and goes
 * on for a while behind one that has ended, whose rate would go down with it.
 * @param known the first and the last instant of the service
 */
export function knownSeconds({ from, to }: Span, known: Span | undefined): number {
  if (!known) return (to - from) / 1000;
  return Math.max(0, Math.min(to, known.to) - Math.max(from, known.from)) / 1000;
}
