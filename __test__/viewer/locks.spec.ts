import test from 'ava';
import type { Table } from '../../viewer/src/api/answers.js';
import { average, joinLocks } from '../../viewer/src/tree/locks.js';

const table = (rows: Record<string, number>): Table => ({
  type: '',
  unit: '',
  total: 0,
  more: 0,
  rows: Object.entries(rows).map(([name, total]) => ({
    name,
    total,
    self: total,
    file: '',
    line: 0,
    kind: 'group',
    package: '',
  })),
});

test('the tables of locks become one, those waited for the longest first', (t) => {
  const rows = joinLocks({
    acquires: table({ a: 2, b: 3, __proto: 1 }),
    wait: table({ b: 900, a: 40 }),
    hold: table({ c: 7 }),
  });
  t.deepEqual(rows, [
    { name: 'b', acquires: 3, wait: 900, releases: undefined, hold: 0 },
    { name: 'a', acquires: 2, wait: 40, releases: undefined, hold: 0 },
    { name: 'c', acquires: 0, wait: 0, releases: undefined, hold: 7 },
    { name: '__proto', acquires: 1, wait: 0, releases: undefined, hold: 0 },
  ]);
  t.deepEqual(joinLocks({}), []);
});

test('an average is of something', (t) => {
  t.is(average(900, 3), 300);
  t.is(average(0, 3), 0);
  t.is(average(900, 0), undefined);
  t.is(average(undefined, 3), undefined);
  t.is(average(900, undefined), undefined);
});
