import test from 'ava';
import { lastWindow } from '../../viewer/src/state/last-window.js';
import { randomNumbers } from './support/random-tree.js';

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;

test('of a service that runs it is the last hour up to now', (t) => {
  t.deepEqual(lastWindow(HOUR, NOW, { from: NOW - 9 * HOUR, to: NOW - 500 }), { from: NOW - HOUR, to: NOW });
  t.deepEqual(lastWindow(HOUR, NOW, undefined), { from: NOW - HOUR, to: NOW });
});

test('of one that has ended it is the last hour of it', (t) => {
  const to = NOW - 5 * HOUR;
  t.deepEqual(lastWindow(HOUR, NOW, { from: to - 3 * HOUR, to: to - 0.25 }), { from: to - HOUR, to });
  // Also where that was within the hour: a program of a minute is not to be a line at the edge of it.
  const ended = { from: NOW - 1_260_000, to: NOW - 1_200_000 };
  t.deepEqual(lastWindow(HOUR, NOW, ended), { from: ended.from, to: ended.to + 1 });
});

test('what lasts for no time, as a profile of a heap, is in it: the end of a range is no part of it', (t) => {
  for (const at of [NOW - 5 * HOUR, NOW - 5 * HOUR + 0.25]) {
    const { from, to } = lastWindow(HOUR, NOW, { from: at, to: at });
    t.true(from <= at && at < to, String(at));
  }
});

test('it begins with the first that there is, and is ten seconds at the least', (t) => {
  t.deepEqual(lastWindow(HOUR, NOW, { from: NOW - 40_000.5, to: NOW - 1000 }), {
    from: NOW - 40_001,
    to: NOW,
  });
  t.deepEqual(lastWindow(HOUR, NOW, { from: NOW - 700, to: NOW }), { from: NOW - 10_000, to: NOW });
  t.deepEqual(lastWindow(2000, NOW, { from: NOW - 700, to: NOW }), { from: NOW - 2000, to: NOW });
});

test('whatever is known, something of it is in the window, which is no longer than was wanted', (t) => {
  const random = randomNumbers(7);
  for (let round = 0; round < 5000; round++) {
    const from = NOW - 20 * HOUR + random() * 25 * HOUR;
    const known = { from, to: from + random() * 2 ** (random() * 24) };
    const last = 1000 + Math.floor(random() * 10 * HOUR);
    const window = lastWindow(last, NOW, known);
    t.true(window.from < window.to && window.to - window.from <= last);
    t.true(window.from < known.to && window.to > known.from, JSON.stringify({ known, window }));
  }
});
