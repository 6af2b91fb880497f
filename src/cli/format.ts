import { visible } from './visible';

const TIMES = [
  { factor: 1e9, unit: 's' },
  { factor: 1e6, unit: 'ms' },
  { factor: 1e3, unit: 'µs' },
  { factor: 1, unit: 'ns' },
];
const SIZES = [
  { factor: 1024 ** 3, unit: 'GiB' },
  { factor: 1024 ** 2, unit: 'MiB' },
  { factor: 1024, unit: 'KiB' },
  { factor: 1, unit: 'B' },
];

/** Nanoseconds in the units of time that profiles have, and bytes in those of size: pprof's kilobyte has 1,024. */
const IN_NANOSECONDS: ReadonlyMap<string, number> = new Map([
  ['nanoseconds', 1],
  ['microseconds', 1e3],
  ['milliseconds', 1e6],
  ['seconds', 1e9],
]);
const IN_BYTES: ReadonlyMap<string, number> = new Map([
  ['bytes', 1],
  ['kilobytes', 1024],
  ['megabytes', 1024 ** 2],
  ['gigabytes', 1024 ** 3],
]);

/** A value with three significant digits in the unit that suits it; whole, with its unit, where that is another. */
export function formatValue(value: number, unit: string): string {
  const nanoseconds = IN_NANOSECONDS.get(unit);
  if (nanoseconds !== undefined) return scaled(value * nanoseconds, TIMES);
  const bytes = IN_BYTES.get(unit);
  if (bytes !== undefined) return scaled(value * bytes, SIZES);
  return unit === '' || unit === 'count' ? String(value) : `${value} ${visible(unit)}`;
}

/** The share of a whole, such as `12.3 %`. */
export function formatShare(value: number, total: number): string {
  return `${(total > 0 ? (100 * value) / total : 0).toFixed(1)} %`;
}

/**
 * `text` in at most `limit` characters; where it is longer, all but its start and its last `tail` characters give way
 * to an ellipsis. Flame graphs hold this function as text, so it uses nothing but its arguments.
 */
export function shorten(text: string, limit: number, tail: number): string {
  const letters = [...text];
  if (letters.length <= limit) return text;
  const end = letters.slice(letters.length - tail).join('');
  return `${letters.slice(0, limit - 1 - tail).join('')}\u2026${end}`;
}

function scaled(value: number, steps: readonly { factor: number; unit: string }[]): string {
  if (value < 0) return `-${scaled(-value, steps)}`;
  const step = steps.find(({ factor }) => value >= factor) ?? { factor: 1, unit: steps.at(-1)?.unit ?? '' };
  const number = value / step.factor;
  if (step.factor === 1) return `${number} ${step.unit}`;
  return `${number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2)} ${step.unit}`;
}
