import { formatShare, formatValue } from '../cli/format';

/** Such as `12.3 %`. */
export function formatPercent(share: number): string {
  return formatShare(share, 1);
}

/** Such as `1.23 s`. */
export function formatAmount(value: number, unit: string): string {
  return formatValue(unit === 'count' ? Math.round(value) : value, unit);
}

/** Such as `320 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  return formatValue(Math.round(milliseconds * 1e6), 'nanoseconds');
}
