import type { LabelKey } from '../api/answers.js';
import type { Selection } from '../api/selection.js';
import { parseCondition, printCondition } from './conditions.js';
import type { Comparison } from './view.js';

/** The two selections of a comparison. */
export interface Sides {
  a: Selection;
  b: Selection;
}

/**
 * The selections that a comparison means: by time B is what is shown and A an earlier range as long; by a tag or label both are what is
 * shown, each with its value. Undefined as long as a key has no two values to choose.
 * @param keys tags and labels in what is shown, apart from conditions on the comparison's own key
 */
export function sidesOf(
  shown: Selection,
  comparison: Comparison,
  keys: readonly LabelKey[],
): Sides | undefined {
  if (comparison.by === 'time') {
    const earlier = comparison.before || shown.to - shown.from;
    return { a: { ...shown, from: shown.from - earlier, to: shown.to - earlier }, b: shown };
  }
  const values = valuesOf(comparison, keys);
  if (!values) return undefined;
  const where = withoutKey(shown.where, comparison.by);
  const side = (value: string): Selection => ({
    ...shown,
    where: [...where, printCondition({ key: comparison.by, value, not: false })],
  });
  return { a: side(values.a), b: side(values.b) };
}

/** The values compared: those chosen, else the two with the most, the earlier in the order of numbers and letters as A. */
export function valuesOf(
  comparison: Comparison,
  keys: readonly LabelKey[],
): { a: string; b: string } | undefined {
  const known =
    keys.find(({ key }) => key === comparison.by)?.values.filter(({ value }) => value !== '') ?? [];
  const [first, second] = known
    .slice(0, 2)
    .map(({ value }) => value)
    .sort((x, y) => x.localeCompare(y, 'en', { numeric: true }));
  const a = comparison.a || first;
  const b = comparison.b || second;
  return a === undefined || b === undefined ? undefined : { a, b };
}

/** Conditions without those on a key. */
export function withoutKey(where: readonly string[], key: string): string[] {
  return where.filter((text) => parseCondition(text)?.key !== key);
}
