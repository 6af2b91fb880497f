import test from 'ava';
import type { Series } from '../../viewer/src/api/answers.js';
import { collectorStrip, metricStrip } from '../../viewer/src/series/further-strips.js';
import { levelsOf } from '../../viewer/src/series/levels.js';
import { withStepEnds } from '../../viewer/src/series/step-ends.js';
import { brushByKey, stepFor } from '../../viewer/src/series/steps.js';
import { seriesAnswer } from '../support/viewer/lists.js';
import { hourOfProfiles, MINUTE } from '../support/viewer/samples.js';
import { select, sum } from '../support/viewer/selection.js';

const END = Date.UTC(2026, 0, 15, 12);
const STORE = hourOfProfiles(END);

test('Levels by their seconds add up to the total, also where a step is known in part', (t) => {
  const from = END - 60 * MINUTE;
  const selected = select(STORE, new URLSearchParams(`service=shop&from=${from}&to=${END}`), END);
  for (const step of [7000, 15_000, 60_000, 3_600_000]) {
    const answer = seriesAnswer(selected, step, null) as Series;
    const levels = levelsOf(answer, { from, to: END });
    const total = levels.reduce<number>((all, level, index) => {
      const start = answer.from + index * step;
      return all + ((level ?? 0) * (Math.min(start + step, END) - Math.max(start, from))) / 1000;
    }, 0);
    t.true(Math.abs(total / sum(selected.chosen) - 1) < 1e-9, `step ${step}`);
  }
});

test('What is not known is a gap and no zero', (t) => {
  const series = {
    type: 'cpu',
    unit: 'nanoseconds',
    from: 0,
    step: 10,
    series: [{ name: '', values: [0, 5, 0, 0] }],
  };
  t.deepEqual(levelsOf(series, { from: 10, to: 25 }), [null, 500, 0, null]);
  t.deepEqual(levelsOf({ ...series, series: [] }, { from: 0, to: 40 }), []);
  // Nor is a moment at the end of what is known.
  t.deepEqual(levelsOf({ ...series, step: 1000 }, { from: 1000, to: 2015 }), [null, 5, null, null]);
});

test('What there was at an instant is shown, also of a profile that lasts for no time', (t) => {
  const heap = {
    type: 'inuse_space',
    unit: 'bytes',
    from: 0,
    step: 10,
    series: [{ name: '', values: [0, 7, 0] }],
  };
  t.deepEqual(levelsOf(heap, { from: 15, to: 15 }), [null, 7, null]);
  t.deepEqual(levelsOf(heap, { from: 0, to: 20 }), [0, 7, null]);
});

test('A step leaves 240 points at the most, and is the smallest that does', (t) => {
  t.is(stepFor({ from: 0, to: 300_000 }), 2000);
  t.is(stepFor({ from: 0, to: 3_600_000 }), 15_000);
  t.is(stepFor({ from: 0, to: 7 * 86_400_000 }), 3_600_000);
});

test('Keys begin, move and widen the brush, within the window', (t) => {
  const window = { from: 1000, to: 2000 };
  const key = (name: string, brush?: { from: number; to: number }, isWider = false) =>
    brushByKey(name, isWider, brush, window, 10);
  t.deepEqual(key('ArrowRight'), { from: 1000, to: 1100 });
  t.deepEqual(key('ArrowLeft'), { from: 1900, to: 2000 });
  t.deepEqual(key('ArrowRight', { from: 1000, to: 1100 }), { from: 1010, to: 1110 });
  t.deepEqual(key('ArrowLeft', { from: 1005, to: 1105 }), { from: 1000, to: 1100 });
  t.deepEqual(key('ArrowRight', { from: 1990, to: 1995 }, true), { from: 1990, to: 2000 });
  t.deepEqual(key('ArrowLeft', { from: 1990, to: 1995 }, true), { from: 1990, to: 2000 });
  t.is(key('x'), undefined);
});

const MADE = { from: 0, step: 1000, processes: 1, ignored: [] };

test('A strip of the event loop or of memory has what is told, and is none where nothing is', (t) => {
  const metrics = [
    { name: 'heap', unit: 'bytes', series: [{ name: '', max: [1, null, 3 * 2 ** 20], mean: [1, null, 2] }] },
    { name: 'rss', unit: 'bytes', series: [{ name: '', max: [4, 5, 6], mean: [4, 5, 6] }] },
  ];
  t.is(metricStrip('loop-delay', { ...MADE, metrics }), undefined);
  const memory = metricStrip('memory', { ...MADE, metrics });
  t.deepEqual(memory?.lines, [
    { name: 'heap', values: [1, null, 3 * 2 ** 20] },
    { name: 'RSS', values: [4, 5, 6] },
  ]);
  t.is(memory?.format(3 * 2 ** 20), '3 MiB');
  const filtered = metricStrip('memory', { ...MADE, processes: 2, ignored: ['thread name'], metrics });
  t.is(filtered?.of, 'heap, RSS, largest process; not filtered');
  t.deepEqual(metricStrip('memory', { ...MADE, metrics: metrics.slice(1) })?.lines.length, 1);
});

test("The garbage collector's strip is its CPU time by the second, with its share", (t) => {
  const kinds = {
    type: 'cpu',
    unit: 'nanoseconds',
    from: 0,
    step: 2000,
    series: [
      { name: 'app', values: [3e8, 0] },
      { name: 'gc', values: [1e8, 0] },
    ],
  };
  const known = { from: 0, to: 3000 };
  const strip = collectorStrip(kinds, known);
  t.deepEqual(strip?.lines, [{ name: '', values: [5e7, 0] }]);
  t.is(strip?.format(5e7), '50 ms');
  t.is(strip?.note?.(0), '(25%)');
  t.is(strip?.note?.(1), '(0%)');
  t.is(collectorStrip({ ...kinds, series: kinds.series.slice(0, 1) }, known), undefined);
});

test('each step that is known has its width, also before a gap and alone', (t) => {
  const [a, b] = [
    [null, 5, null, 7, 8, null, 9],
    [1, 2, 3, null, null, null, 4],
  ];
  const times = a.map((_, index) => 1000 * index);
  const drawn = withStepEnds({ times, lines: [a, b] }, 1000);
  t.deepEqual(
    drawn.times.toSorted((x, y) => x - y),
    drawn.times,
  );
  t.is(new Set(drawn.times).size, drawn.times.length);
  for (const [line, values] of [a, b].entries()) {
    // How long a line is drawn at each value: from a point to the next, unless that is a gap.
    const width = new Map<number, number>();
    for (const [at, index] of drawn.origin.entries()) {
      const [value, next] = [drawn.lines[line]?.[at], drawn.lines[line]?.[at + 1]];
      t.is(value, values[index] ?? null);
      const until = drawn.times[at + 1];
      if (value != null && next != null && until !== undefined)
        width.set(index, (width.get(index) ?? 0) + until - (drawn.times[at] as number));
    }
    const known = values.flatMap((value, index) => (value === null ? [] : [index]));
    t.deepEqual([...width.keys()], known);
    t.true([...width.values()].every((wide) => wide >= 999 && wide <= 1000));
  }
  t.deepEqual(withStepEnds({ times: [], lines: [[]] }, 1000), { times: [], lines: [[]], origin: [] });
});
