import { EverflameError } from '../engine';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * An instant in milliseconds since the epoch: `15m` for a quarter of an hour ago, a date such as `2026-11-22T10:00:00Z`, or
 * the milliseconds themselves; undefined where nothing is given. Throws an EverflameError for anything else.
 */
export function readTime(name: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (ago) return now - Number(ago[1]) * (UNITS.get(ago[2] as string) as number);
  const time = /^\d{11,16}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(time)) {
    throw new EverflameError(
      'BAD_QUERY',
      `${name} ${JSON.stringify(text)} is no time: give 15m, 6h or 2d for so long ago, a date such as 2026-11-22T10:00:00Z, or milliseconds since 1970`,
    );
  }
  return time;
}
