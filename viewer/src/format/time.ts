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
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === new Date(now).toDateString() ? clock : `${formatDay(date)} ${clock}`;
}

/** Two instants, the day named once where both have the same. */
export function formatRange(from: number, to: number, now: number): string {
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${formatInstant(from, now)} – ${formatInstant(to, sameDay ? to : now)}`;
}

function formatDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
