import type { Points } from './plot.js';

/** Milliseconds before the next step begins, which must be told apart from it. */
const BEFORE_NEXT = 1;

/**
 * Points with one more where the last step before a gap, or before the end, is over. Without it a line ends where that step begins: it has no width, and a step
 * that is known alone is not seen.
 * @param step how long each is, in milliseconds
 */
export function withStepEnds({ times, lines }: Points, step: number): Points & { origin: number[] } {
  const drawn: Points & { origin: number[] } = { times: [], lines: lines.map(() => []), origin: [] };
  const add = (time: number, index: number) => {
    drawn.times.push(time);
    drawn.origin.push(index);
    for (const [line, values] of lines.entries()) drawn.lines[line]?.push(values[index] ?? null);
  };
  for (const [index, time] of times.entries()) {
    add(time, index);
    const ends = lines.some((values) => values[index] != null && values[index + 1] == null);
    if (ends) add(time + step - BEFORE_NEXT, index);
  }
  return drawn;
}
