const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its largest whole unit: `5 min`, `1 h`, `7 d`, else with one digit behind the point. */
export function formatDuration(exact: number): string {
  // 999.6 ms are 1 s.
  const milliseconds = exact < SECOND ? Math.round(exact) : exact;
  for (const [unit, suffix] of [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ] as const) {
    // A day is said in hours up to two of them, and so on: 36 h reads better than 1.5 d.
    if (milliseconds >= 2 * unit || (milliseconds >= unit && milliseconds % unit === 0))
      return `${Number((milliseconds / unit).toFixed(1))} ${suffix}`;
  }
  return milliseconds >= SECOND ? `${Number((milliseconds / SECOND).toFixed(1))} s` : `${milliseconds} ms`;
}

/** Clock time in the reader's zone, on 24 hours; with the day where it is not that of `now`. */
export function formatInstant(at: number, now: number): string {
  const date = new Date(at);
  const clock = formatClock(0, at, SECOND);
  return date.toDateString() === new Date(now).toDateString() ? clock : `${formatDay(date)} ${clock}`;
}

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** A sentence of the collector with its instants, which it tells in UTC, in the reader's zone: as the strips have them. */
export function withLocalTimes(sentence: string, now: number): string {
  return sentence.replace(INSTANT, (text) => {
    const at = Date.parse(text);
    if (Number.isNaN(at)) return text;
    const second = Math.floor(at / SECOND) * SECOND;
    return formatInstant(second, now) + formatClock(second, at - second, 1).slice(-'.000'.length);
  });
}

/** Two instants, the day named once where both have the same. */
export function formatRange(from: number, to: number, now: number): string {
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${formatInstant(from, now)} – ${formatInstant(to, sameDay ? to : now)}`;
}

/**
 * A time of day in the reader's zone, with as many digits as tell steps of this length apart.
 * @param origin milliseconds since the epoch, a whole second
 * @param after milliseconds after the origin, which leaves digits for parts of one
 */
export function formatClock(origin: number, after: number, step: number): string {
  const whole = Math.floor(after / SECOND + 1e-9);
  const date = new Date(origin + whole * SECOND);
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (step >= MINUTE) return minutes;
  const seconds = `${minutes}:${two(date.getSeconds())}`;
  if (step >= SECOND) return seconds;
  const digits = Math.max(0, Math.ceil(-Math.log10(step / SECOND) - 1e-9));
  const fraction = Math.max(0, (after - whole * SECOND) / SECOND);
  return `${seconds}${fraction.toFixed(digits).slice(1)}`;
}

export function formatDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
