import test from 'ava';
import { eachVisible, firstAbove } from '../../viewer/src/graph/draw/visible.js';
import { randomNumbers } from './support/random-tree.js';

/** Rectangles of a row with holes between some, most of them narrow. */
function randomRow(seed: number, length: number): { start: Float64Array; end: Float64Array } {
  const random = randomNumbers(seed);
  const start = new Float64Array(length);
  const end = new Float64Array(length);
  let at = 0;
  for (let index = 0; index < length; index++) {
    if (random() < 0.2) at += random() * 3;
    start[index] = at;
    at += random() < 0.1 ? random() * 40 : random() ** 4 * 2;
    if (random() < 0.05) at = start[index] as number;
    end[index] = at;
  }
  return { start, end };
}

interface Drawn {
  first: number;
  behind: number;
  left: number;
  right: number;
}

function drawn(
  row: { start: Float64Array; end: Float64Array },
  view: { start: number; end: number },
  pixels: number,
): Drawn[] {
  const list: Drawn[] = [];
  eachVisible(row.start, row.end, 0, row.start.length, view, pixels, (first, behind, left, right) =>
    list.push({ first, behind, left, right }),
  );
  return list;
}

const views = (seed: number, span: number) => {
  const random = randomNumbers(seed + 1000);
  return [
    { start: 0, end: span },
    { start: span * 0.4, end: span * 0.41 },
    ...Array.from({ length: 6 }, () => {
      const start = random() * span;
      return { start, end: start + random() ** 3 * (span - start) };
    }),
  ];
};

test('every column belongs to one call at most, from left to right, inside the screen', (t) => {
  for (let seed = 0; seed < 12; seed++) {
    const row = randomRow(seed, 3000);
    for (const view of views(seed, row.end.at(-1) as number)) {
      for (const pixels of [1, 37, 640]) {
        let free = 0;
        let next = 0;
        for (const { first, behind, left, right } of drawn(row, view, pixels)) {
          t.true(left >= free && right > left && right <= pixels);
          t.true(first >= next && behind > first);
          free = right;
          next = behind;
        }
      }
    }
  }
});

test('a rectangle with a column of its own is drawn there, and nothing is drawn where nothing is', (t) => {
  for (let seed = 0; seed < 12; seed++) {
    const row = randomRow(seed, 3000);
    for (const view of views(seed, row.end.at(-1) as number)) {
      const pixels = 500;
      const scale = pixels / (view.end - view.start);
      const shown = drawn(row, view, pixels);
      const column = (value: number) => (value - view.start) * scale;
      for (const { first, behind, left, right } of shown) {
        // Half a pixel of rounding at each side, or the whole of one that is narrower.
        t.true(left >= Math.floor(column(row.start[first] as number)) - 1e-6);
        t.true(right <= Math.ceil(column(row.end[behind - 1] as number)) + 1e-6 || right - left === 1);
      }
      for (let index = 0; index < row.start.length; index++) {
        const [from, to] = [column(row.start[index] as number), column(row.end[index] as number)];
        if (to - from < 3 || from >= pixels - 3 || to <= 3) continue;
        const own = shown.find(({ first, behind }) => index >= first && index < behind);
        t.truthy(own, `rectangle ${index} is not drawn`);
        const { left, right } = own as Drawn;
        t.true(Math.abs(left - Math.max(0, from)) <= 1.5 && Math.abs(right - Math.min(pixels, to)) <= 1.5);
      }
    }
  }
});

test('among many narrow ones, each column with something in it is drawn', (t) => {
  const start = Float64Array.from({ length: 10_000 }, (_, index) => index / 10_000);
  const end = start.map((value) => value + 0.00003);
  const pixels = 200;
  const columns = new Set(drawn({ start, end }, { start: 0, end: 1 }, pixels).map(({ left }) => left));
  t.is(columns.size, pixels);
});

test('an alone narrow one is a pixel', (t) => {
  const row = { start: Float64Array.of(0.501), end: Float64Array.of(0.5011) };
  t.deepEqual(drawn(row, { start: 0, end: 1 }, 100), [{ first: 0, behind: 1, left: 50, right: 51 }]);
});

test('what has no width is not drawn, before, between and behind others', (t) => {
  const row = { start: Float64Array.of(0, 0, 0.4, 0.4, 0.9), end: Float64Array.of(0, 0.4, 0.4, 0.8, 0.9) };
  t.deepEqual(drawn(row, { start: 0, end: 1 }, 10), [
    { first: 1, behind: 3, left: 0, right: 4 },
    { first: 3, behind: 4, left: 4, right: 8 },
  ]);
});

test('a view without a width draws nothing', (t) => {
  const row = randomRow(1, 50);
  t.deepEqual(drawn(row, { start: 3, end: 3 }, 100), []);
  t.deepEqual(drawn(row, { start: 3, end: 2 }, 100), []);
  t.deepEqual(drawn(row, { start: 0, end: 5 }, 0), []);
});

test('the first value above a limit is what a walk finds', (t) => {
  const random = randomNumbers(4);
  const values = Float64Array.from({ length: 200 }, () => Math.floor(random() * 50)).sort();
  for (let limit = -1; limit <= 51; limit++) {
    for (const [from, to] of [
      [0, 200],
      [30, 180],
      [77, 78],
      [50, 50],
    ] as const) {
      let walked = from;
      while (walked < to && (values[walked] as number) <= limit) walked++;
      t.is(firstAbove(values, limit, from, to), walked);
    }
  }
});
