import { EverflameError } from '../engine';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const FORMS =
  'give 15m, 6h or 2d for so long ago, now, a date such as 2026-11-22T10:00:00Z, or milliseconds since 1970';
/** The last instant of a Date (ECMA-262, "Time Values and Time Range"). */
const LATEST = 8.64e15;

/**
 * An instant in milliseconds since the epoch: `15m` for a quarter of an hour ago, `now`, a date such as `2026-11-22T10:00:00Z`,
 * or the milliseconds themselves; undefined where nothing is given. Throws an EverflameError for anything else.
 */
export function readTime(name: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const time = timeOf(text, now);
  if (time === undefined) {
    throw new EverflameError('BAD_QUERY', `${name} ${JSON.stringify(text)} is no time: ${FORMS}`);
  }
  return time;
}

/** How long `15m`, `6h` or `2d` is, in milliseconds. Throws an EverflameError for anything else. */
export function readDuration(name: string, text: string): number {
  const duration = durationOf(text);
  if (duration === undefined || duration === 0 || duration > LATEST) {
    throw new EverflameError(
      'BAD_QUERY',
      `${name} ${JSON.stringify(text)} is no length of time: give 30s, 15m, 6h or 2d`,
    );
  }
  return duration;
}

/** The two ends of `2h..1h`, of which either may be missing; undefined where a text is no such range. */
export function readRange(
  text: string,
  now: number,
): { from: number | undefined; to: number | undefined } | undefined {
  const ends = text.split('..');
  const [from = '', to = ''] = ends;
  const isTime = (end: string): boolean => end === '' || timeOf(end, now) !== undefined;
  if (ends.length !== 2 || from + to === '' || !isTime(from) || !isTime(to)) return undefined;
  return { from: timeOf(from, now), to: timeOf(to, now) };
}

function timeOf(text: string, now: number): number | undefined {
  if (text === 'now') return now;
  // As other tools write it: -2h, now-2h.
  const ago = durationOf(text.replace(/^(now)?-/, ''));
  if (ago !== undefined) return ago > now ? undefined : now - ago;
  if (/^\d{11,16}$/.test(text)) return Number(text) > LATEST ? undefined : Number(text);
  // Date.parse takes a lone 5 for a month.
  const date = /^\d{4}-\d\d-\d\d(?:$|[T ])/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date;
}

function durationOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS.get(unit) as number);
}
