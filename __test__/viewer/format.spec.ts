import test from 'ava';
import { place, shortFile, typeName } from '../../viewer/src/format/names.js';
import { formatRate } from '../../viewer/src/format/rate.js';
import {
  formatClock,
  formatDuration,
  formatInstant,
  formatRange,
  withLocalTimes,
} from '../../viewer/src/format/time.js';
import { formatDifference, formatExact, formatShare, formatValue } from '../../viewer/src/format/value.js';

for (const [value, unit, text] of [
  [0, 'nanoseconds', '0'],
  [1, 'nanoseconds', '1 ns'],
  [999, 'nanoseconds', '999 ns'],
  [1000, 'nanoseconds', '1 µs'],
  [999_499, 'nanoseconds', '999 µs'],
  [999_999, 'nanoseconds', '1 ms'],
  [1_234_567, 'nanoseconds', '1.23 ms'],
  [12_345_678, 'nanoseconds', '12.3 ms'],
  [59_999_999_999, 'nanoseconds', '1 min'],
  [90e9, 'nanoseconds', '1.5 min'],
  [7200e9, 'nanoseconds', '2 h'],
  [-1_500_000, 'nanoseconds', '-1.5 ms'],
  [1023, 'bytes', '1023 B'],
  [1024, 'bytes', '1 KiB'],
  [1.5 * 2 ** 20, 'bytes', '1.5 MiB'],
  [2 ** 40, 'bytes', '1 TiB'],
  [999, 'count', '999'],
  [1000, 'count', '1k'],
  [12_345, 'count', '12.3k'],
  [2 ** 53, 'count', '9007199G'],
] as const)
  test(`${value} ${unit} are ${text}`, (t) => {
    t.is(formatValue(value, unit), text);
  });

test('A text is never further from its value than three digits allow', (t) => {
  const factors: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 };
  for (let value = 1; value < 1e15; value = Math.ceil(value * 1.0173)) {
    const [number, suffix] = formatValue(value, 'nanoseconds').split(' ') as [string, string];
    const read = Number(number) * (factors[suffix] as number);
    t.true(Math.abs(read - value) <= value * 0.0051, `${value}: ${number} ${suffix}`);
  }
});

test('Shares', (t) => {
  t.is(formatShare(1, 3), '33.3%');
  t.is(formatShare(1, 1), '100%');
  t.is(formatShare(0, 0), '0%');
  t.is(formatShare(5, 0), '0%');
  t.is(formatShare(1, 100_000), '<0.1%');
  t.is(formatShare(-1, 2), '-50%');
});

test('Differences have a sign', (t) => {
  t.is(formatDifference(1e9, 'nanoseconds'), '+1 s');
  t.is(formatDifference(-1e9, 'nanoseconds'), '-1 s');
  t.is(formatDifference(0, 'nanoseconds'), '0');
});

test('The exact value has all of its digits', (t) => {
  t.is(formatExact(1234567, 'nanoseconds'), '1,234,567 ns');
  t.is(formatExact(2 ** 53, 'bytes'), '9,007,199,254,740,992 bytes');
  t.is(formatExact(12, 'count'), '12');
});

test('CPU time by the second is cores', (t) => {
  t.is(formatRate(30e9, 'nanoseconds', 'cpu', 60), '0.50 cores');
  t.is(formatRate(120e9, 'nanoseconds', 'wall', 60), '2.00 at once');
  t.is(formatRate(0, 'nanoseconds', 'cpu', 60), '0 cores');
  t.is(formatRate(60e6, 'nanoseconds', 'cpu', 60), '0.001 cores');
  t.is(formatRate(59e6, 'nanoseconds', 'cpu', 60), '<0.001 cores');
  t.is(formatRate(310, 'nanoseconds', 'wall', 60), '<0.001 at once');
  t.is(formatRate(60 * 2 ** 20, 'bytes', 'alloc_space', 60), '1 MiB/s');
  t.is(formatRate(1, 'count', 'sample', 0), '');
});

test('Lengths of time', (t) => {
  const texts = [500, 999.4, 999.6, 1000, 90_000, 300_000, 3_600_000, 5_400_000, 86_400_000, 604_800_000].map(
    formatDuration,
  );
  t.deepEqual(texts, ['500 ms', '999 ms', '1 s', '1 s', '90 s', '5 min', '1 h', '90 min', '1 d', '7 d']);
});

test('Instants of the collector are told in the zone of the reader', (t) => {
  const at = new Date(2026, 0, 15, 12, 0, 7, 61);
  const told = `blocked once, at ${at.toISOString()}, in f.`;
  t.is(withLocalTimes(told, at.getTime()), 'blocked once, at 12:00:07.061, in f.');
  t.is(withLocalTimes(told, at.getTime() + 86_400_000), 'blocked once, at 2026-01-15 12:00:07.061, in f.');
  t.is(withLocalTimes('at 2026-99-99T99:99:99.999Z', 0), 'at 2026-99-99T99:99:99.999Z');
});

test('The day is named where it is not today', (t) => {
  const noon = new Date(2026, 0, 15, 12, 0, 0).getTime();
  const evening = noon + 6 * 3_600_000;
  t.is(formatInstant(noon, evening), '12:00:00');
  t.is(formatInstant(noon, evening + 86_400_000), '2026-01-15 12:00:00');
  t.is(formatRange(noon, evening, evening), '12:00:00 – 18:00:00');
  t.is(formatRange(noon, evening, evening + 86_400_000), '2026-01-15 12:00:00 – 18:00:00');
  t.is(
    formatRange(noon, evening + 86_400_000, evening + 3 * 86_400_000),
    '2026-01-15 12:00:00 – 2026-01-16 18:00:00',
  );
});

test('Names', (t) => {
  t.is(typeName('cpu'), 'CPU time');
  t.is(typeName('__proto__'), '__proto__');
  t.is(shortFile('/srv/shop/src/cart.ts:12'), 'src/cart.ts:12');
  t.is(place('a.ts', 0), 'a.ts');
  t.is(place('a.ts', 7), 'a.ts:7');
});

test('times at steps of any length differ', (t) => {
  const from = 1_700_000_000_000;
  const texts = (step: number) =>
    [0, 1, 2, 3].map((index) => formatClock(0, from + index * step, step).slice(2));
  t.deepEqual(texts(5), [':13:20.000', ':13:20.005', ':13:20.010', ':13:20.015']);
  t.deepEqual(texts(200), [':13:20.0', ':13:20.2', ':13:20.4', ':13:20.6']);
  t.deepEqual(texts(500), [':13:20.0', ':13:20.5', ':13:21.0', ':13:21.5']);
  t.deepEqual(texts(15_000), [':13:20', ':13:35', ':13:50', ':14:05']);
  t.deepEqual(texts(60_000), [':13', ':14', ':15', ':16']);
});
