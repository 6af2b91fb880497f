import test from 'ava';
import { between, pan, type Viewport, zoomAround } from '../../viewer/src/graph/draw/viewport.js';
import { randomNumbers } from './support/random-tree.js';

const SPAN = 1000;
const random = randomNumbers(1);

const anyView = (): Viewport => {
  const start = random() * SPAN * 0.9;
  return { start, end: start + random() * (SPAN - start), top: 2 };
};

test('a zoom keeps the value under the pointer where it is', (t) => {
  for (let round = 0; round < 500; round++) {
    const view = anyView();
    const share = random();
    const at = view.start + share * (view.end - view.start);
    const zoomed = zoomAround(view, SPAN, at, 1 + random() * 8);
    t.true(Math.abs((at - zoomed.start) / (zoomed.end - zoomed.start) - share) < 1e-9);
    t.is(zoomed.top, view.top);
  }
});

test('no zoom and no move leaves the graph', (t) => {
  for (let round = 0; round < 500; round++) {
    const view = anyView();
    for (const moved of [
      zoomAround(view, SPAN, view.start + random() * (view.end - view.start), 1 / (1 + random() * 30)),
      pan(view, SPAN, (random() - 0.5) * 3 * SPAN),
    ]) {
      t.true(moved.start >= 0 && moved.end <= SPAN && moved.end > moved.start);
    }
  }
  t.deepEqual(zoomAround({ start: 400, end: 600, top: 0 }, SPAN, 500, 0.001), {
    start: 0,
    end: SPAN,
    top: 0,
  });
  t.deepEqual(pan({ start: 400, end: 600, top: 0 }, SPAN, 1e9), { start: 800, end: 1000, top: 0 });
});

test('a zoom ends before the numbers do', (t) => {
  let view: Viewport = { start: 0, end: SPAN, top: 0 };
  for (let step = 0; step < 200; step++) view = zoomAround(view, SPAN, 123.456, 2);
  t.true(view.start < 123.456 && view.end > 123.456);
});

test('a motion begins and ends where it should and its width changes steadily', (t) => {
  for (let round = 0; round < 100; round++) {
    const [from, to] = [anyView(), { ...anyView(), top: 9 }];
    const begin = between(from, to, 0);
    t.true(Math.abs(begin.start - from.start) < 1e-6 && Math.abs(begin.end - from.end) < 1e-6);
    t.is(begin.top, from.top);
    t.is(between(from, to, 1), to);
    const width = (progress: number) => {
      const { start, end } = between(from, to, progress);
      return end - start;
    };
    const factor = width(0.25) / width(0);
    t.true(Math.abs(width(0.75) / width(0.5) - factor) < 1e-6);
  }
});

test('a zoom into a part shows that part all the way', (t) => {
  const to = { start: 300, end: 310, top: 0 };
  for (let progress = 0; progress <= 1; progress += 0.05) {
    const { start, end } = between({ start: 0, end: SPAN, top: 0 }, to, progress);
    t.true(start <= to.start + 1e-9 && end >= to.end - 1e-9);
  }
});
