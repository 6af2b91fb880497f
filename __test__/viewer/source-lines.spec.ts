import test from 'ava';
import { hotRows, hottestRow, nextOf, rowsOf } from '../../viewer/src/source/lines.js';
import { randomNumbers } from './support/random-tree.js';

const line = (number: number, self: number, total: number) => ({ line: number, self, total });

test('each line of a text has what it costs, and those behind its end follow', (t) => {
  const rows = rowsOf('a\r\nb\nc\n', [line(2, 3, 5), line(9, 0, 7), line(4, 1, 1)]);
  t.deepEqual(
    rows.map(({ line: number, text, self, total }) => [number, text, self, total]),
    [
      [1, 'a', 0, 0],
      [2, 'b', 3, 5],
      [3, 'c', 0, 0],
      [4, undefined, 1, 1],
      [9, undefined, 0, 7],
    ],
  );
  t.deepEqual(rowsOf('', []), []);
  t.is(rowsOf('\ufeffx', [])[0]?.text, 'x');
  t.is(rowsOf('x'.repeat(5000), [])[0]?.text?.length, 1002);
});

test('without a text there are the lines with figures, in their order', (t) => {
  const rows = rowsOf(null, [line(9, 0, 7), line(0, 2, 2), line(2, 3, 5)]);
  t.deepEqual(
    rows.map((row) => row.line),
    [0, 2, 9],
  );
});

test('no value is lost, and each line is there once', (t) => {
  const random = randomNumbers(3);
  for (let round = 0; round < 300; round++) {
    const numbers = [...new Set(Array.from({ length: 20 }, () => 1 + Math.floor(random() * 60)))];
    const lines = numbers.map((number) => line(number, Math.floor(random() * 9), 9));
    const text = random() < 0.3 ? null : 'x\n'.repeat(Math.floor(random() * 80));
    const rows = rowsOf(text, lines);
    const sum = (of: { self: number }[]) => of.reduce((all, { self }) => all + self, 0);
    t.is(sum(rows), sum(lines));
    t.is(new Set(rows.map((row) => row.line)).size, rows.length);
  }
});

test('the hottest line is that with the most of its own, and those below a hundredth are not hot', (t) => {
  const rows = rowsOf('\n'.repeat(6), [line(1, 0, 1000), line(2, 5, 9), line(3, 4, 10), line(5, 5, 12)]);
  t.is(hottestRow(rows), 4);
  t.deepEqual(hotRows(rows), [0, 2, 4]);
  t.is(hottestRow(rowsOf('a\nb', [])), -1);
  t.deepEqual(hotRows(rowsOf('a\nb', [])), []);
  t.is(hottestRow(rowsOf('a\nb', [line(2, 0, 1)])), 1);
});

test('from hot line to hot line it goes round the end', (t) => {
  t.deepEqual(
    [-1, 3, 4, 9].map((at) => [nextOf([3, 7], at, 1), nextOf([3, 7], at, -1)]),
    [
      [3, 7],
      [7, 7],
      [7, 3],
      [3, 7],
    ],
  );
  t.is(nextOf([], 0, 1), undefined);
});
