import test from 'ava';
import { knownSeconds } from '../../viewer/src/state/known-seconds.js';

const FROM = 1_800_000_000_000;

test('a rate is by the time in which there is something, and not by all of a window that is wider', (t) => {
  const window = { from: FROM, to: FROM + 10_000 };
  t.is(knownSeconds(window, undefined), 10);
  t.is(knownSeconds(window, { from: FROM - 1e6, to: FROM + 1e6 }), 10);
  // A program of three seconds in the ten that are the least which is shown.
  t.is(knownSeconds(window, { from: FROM + 7000, to: FROM + 10_000 }), 3);
  // One that has ended four seconds ago.
  t.is(knownSeconds(window, { from: FROM - 1e6, to: FROM + 6000 }), 6);
});

test('what lasts for no time, or is elsewhere, has no rate', (t) => {
  const window = { from: FROM, to: FROM + 10_000 };
  t.is(knownSeconds(window, { from: FROM + 5000, to: FROM + 5000 }), 0);
  t.is(knownSeconds(window, { from: FROM - 9000, to: FROM - 5000 }), 0);
  t.is(knownSeconds(window, { from: FROM + 11_000, to: FROM + 12_000 }), 0);
});
