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

/** A value with three significant digits in the unit that suits it. */
export function formatValue(value: number, unit: string): string {
  if (unit === 'nanoseconds') return scaled(value, TIMES);
  if (unit === 'bytes') return scaled(value, SIZES);
  return String(value);
}

/** The share of a whole, such as `12.3 %`. */
export function formatShare(value: number, total: number): string {
  return `${(total > 0 ? (100 * value) / total : 0).toFixed(1)} %`;
}

/** `text`, cut in the middle where it has more than `limit` characters. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.ceil((limit - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (limit - 1 - head))}`;
}

function scaled(value: number, steps: readonly { factor: number; unit: string }[]): string {
  const step = steps.find(({ factor }) => value >= factor) ?? { factor: 1, unit: steps.at(-1)?.unit ?? '' };
  const number = value / step.factor;
  if (step.factor === 1) return `${number} ${step.unit}`;
  return `${number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2)} ${step.unit}`;
}
