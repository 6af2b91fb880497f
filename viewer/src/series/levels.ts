import type { Series } from '../api/answers.js';
import { formatValue } from '../format/value.js';
import type { Span } from '../state/view.js';

/**
 * Whether a kind of value is what there was at one instant, as live memory: such values are shown as they are. Others came together over
 * time and are shown by the second.
 */
export function isLevel(type: string): boolean {
  return type.startsWith('inuse');
}

/** Share of a step: of a moment the figure is one sample's, and may be that of many cores. */
const LEAST_KNOWN = 1 / 50;

/**
 * What a strip draws of a series: each step's sum by the second, of those seconds that are known.
 * @param known what the service has profiles of. A step that is known in part is not a fall of the value, and one that
 *   is not known is no zero but a gap
 */
export function levelsOf({ type, from, step, series }: Series, known: Span): (number | null)[] {
  return (series[0]?.values ?? []).map((value, index) => {
    // Of an instant: a profile of a heap may last for no time.
    if (isLevel(type) && value > 0) return value;
    const start = from + index * step;
    const milliseconds = Math.min(start + step, known.to) - Math.max(start, known.from);
    if (milliseconds <= step * LEAST_KNOWN) return null;
    return isLevel(type) ? value : (value * 1000) / milliseconds;
  });
}

/** A value of {@link levelsOf}, without its {@link levelUnit}. */
export function formatLevel(value: number, unit: string, type: string): string {
  return unit === 'nanoseconds' && !isLevel(type)
    ? formatValue(value / 1e9, 'count')
    : formatValue(value, unit);
}

/** What the figures of a strip are: CPU time as cores, other time as how many waited at once, else so much a second. */
export function levelUnit(unit: string, type: string): string {
  if (isLevel(type)) return 'each step';
  if (unit !== 'nanoseconds') return 'a second';
  return type === 'cpu' ? 'cores' : 'at once';
}
