import type { LoadedProfile } from '#src/profile/model.js';
import { type Filter, foldedStacks } from '../../support/pprof.js';

/**
 * Sums of one kind of value by the line at which a function stood, itself or in what it called. Of several frames of
 * the function in one stack the one nearest to the leaf counts.
 */
export function linesWithin(
  profiles: LoadedProfile[],
  type: string,
  name: string,
  filter?: Filter,
): Map<number, number> {
  const sums = new Map<number, number>();
  const marked = foldedStacks(profiles, type, {
    ...(filter ? { filter } : {}),
    show: (frame) => (frame.name === name ? `:${frame.line}` : ''),
  });
  for (const [stack, value] of marked) {
    const at = stack.lastIndexOf(':');
    if (at < 0) continue;
    const line = Number.parseInt(stack.slice(at + 1), 10);
    sums.set(line, (sums.get(line) ?? 0) + value);
  }
  return sums;
}
