interface Scale {
  factor: number;
  suffix: string;
}

const NANOSECONDS: Scale[] = [
  { factor: 3600e9, suffix: 'h' },
  { factor: 60e9, suffix: 'min' },
  { factor: 1e9, suffix: 's' },
  { factor: 1e6, suffix: 'ms' },
  { factor: 1e3, suffix: 'µs' },
  { factor: 1, suffix: 'ns' },
];
const BYTES: Scale[] = [
  { factor: 2 ** 40, suffix: 'TiB' },
  { factor: 2 ** 30, suffix: 'GiB' },
  { factor: 2 ** 20, suffix: 'MiB' },
  { factor: 2 ** 10, suffix: 'KiB' },
  { factor: 1, suffix: 'B' },
];
const COUNT: Scale[] = [
  { factor: 1e9, suffix: 'G' },
  { factor: 1e6, suffix: 'M' },
  { factor: 1e3, suffix: 'k' },
  { factor: 1, suffix: '' },
];

/**
 * A value in the largest unit of which there is at least one, with three digits: `1.23 s`, `45.6 MiB`, `12.3k`.
 * @param unit `nanoseconds`, `bytes` or, for anything else, a count
 */
export function formatValue(value: number, unit: string): string {
  const scales = unit === 'nanoseconds' ? NANOSECONDS : unit === 'bytes' ? BYTES : COUNT;
  const size = Math.abs(value);
  // A value that three digits would round up to the next unit is written in that one: 999,999 ns are 1 ms, not 1000 µs.
  const scale =
    scales.find(({ factor }) => Math.max(size, roundTo3(size)) >= factor) ?? (scales.at(-1) as Scale);
  const digits = threeDigits(value / scale.factor);
  if (scale.suffix === '' || digits === '0') return digits === '0' && scale.suffix !== '' ? '0' : digits;
  return scales === COUNT ? digits + scale.suffix : `${digits} ${scale.suffix}`;
}

/** The whole value with its digits in groups, and its unit: what a tooltip adds to the short form. */
export function formatExact(value: number, unit: string): string {
  const digits = value.toLocaleString('en', { maximumFractionDigits: 0 });
  if (unit === 'nanoseconds') return `${digits} ns`;
  return unit === 'count' ? digits : `${digits} ${unit}`;
}

/** A share in percent: `12.3%`, `<0.1%`, `0%`. A whole of nothing has shares of nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0%';
  const percent = (part / whole) * 100;
  if (Math.abs(percent) < 0.1) return percent < 0 ? '>-0.1%' : '<0.1%';
  return `${percent.toFixed(1).replace(/\.0$/, '')}%`;
}

/** A difference with its sign: `+1.2 s`, `-3 MiB`, `0`. */
export function formatDifference(value: number, unit: string): string {
  const text = formatValue(value, unit);
  return value > 0 && text !== '0' ? `+${text}` : text;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const text = value.toFixed(decimals);
  return decimals === 0 ? text : text.replace(/\.?0+$/, '').replace(/^-0$/, '0');
}

function roundTo3(size: number): number {
  return size === 0 ? 0 : Number(size.toPrecision(3));
}
