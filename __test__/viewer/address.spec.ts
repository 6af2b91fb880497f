import test from 'ava';
import type { Transform } from '../../viewer/src/graph/index.js';
import { parseView, printView } from '../../viewer/src/state/address.js';
import {
  COLOURS,
  COMPARE_LAYOUTS,
  COMPARE_UNITS,
  DEFAULT_VIEW,
  FRAME_SIZES,
  GRAPH_SHAPES,
  SORTS,
  TABS,
  type View,
} from '../../viewer/src/state/view.js';
import { dice } from './support/dice.js';

const TEXTS = [
  'shop',
  '<img src=x>',
  '__proto__',
  'a:b',
  'ä ö%&=#+?',
  '"quoted" \\ back',
  ' ',
  '日本',
  'a\nb',
  '..',
];

function randomView(seed: number): View {
  const { below, one, maybe, some } = dice(seed);
  const span = () => {
    const from = below(2e12);
    return { from, to: from + 1 + below(1e9) };
  };
  const key = () => ({ name: one(TEXTS), file: one(['', ...TEXTS]) });
  const transforms: (() => Transform)[] = [
    () => ({ kind: 'focus', ...key() }),
    () => ({ kind: 'hide', ...key() }),
    () => ({ kind: 'collapse' }),
    () => ({ kind: 'collapse', ...key() }),
    () => ({ kind: 'invert' }),
    () => ({ kind: 'hide-package', package: one(TEXTS) }),
    () => ({ kind: 'merge-package', package: one(TEXTS) }),
    () => ({ kind: 'subtree', path: [key(), ...some([key]).map((make) => make())] }),
    () => ({ kind: 'subtree', path: [key()], isFolded: true }),
  ];
  return {
    service: maybe(() => one(TEXTS)),
    type: maybe(() => one(['cpu', 'wall', 'a b'])),
    window: below(2) ? span() : { last: 1 + below(1e9) },
    brush: maybe(span),
    live: below(2) === 1,
    where: [...new Set(some(['env:prod', '!env:prod', 'a:b:c', 'thread name:', 'x:<b>', 'y: z ']))],
    strips: maybe(() => [...new Set(some(['cpu', 'wall', 'memory', 'loop-delay']))]),
    tab: one(TABS),
    shape: one(GRAPH_SHAPES),
    colour: one(COLOURS),
    frames: one(FRAME_SIZES),
    search: one(['', ...TEXTS]),
    transforms: some(transforms).map((make) => make()),
    fold: below(2) === 1,
    opened: [...new Set(some(['a1', 'zz', '0']))],
    zoom: maybe(() => below(2 ** 31).toString(36)),
    selected: maybe(() => below(2 ** 31).toString(36)),
    beside: below(2) === 1,
    sort: one(SORTS),
    ascending: below(2) === 1,
    of: maybe(key),
    source: maybe(() => ({ file: one(TEXTS), line: below(3) * below(1e6) })),
    row: some(TEXTS),
    by: maybe(() => one(TEXTS)),
    lanes: maybe(span),
    comparison: {
      by: one(['time', ...TEXTS]),
      before: below(1e9),
      a: one(['', ...TEXTS]),
      b: one(['', ...TEXTS]),
      layout: one(COMPARE_LAYOUTS),
      per: one(COMPARE_UNITS),
      safeColours: below(2) === 1,
    },
  };
}

test('Any view comes back from its address', (t) => {
  for (let seed = 0; seed < 2000; seed++) {
    const view = randomView(seed);
    t.deepEqual(parseView(`?${printView(view)}`), view, `seed ${seed}: ${printView(view)}`);
  }
});

test('The usual view has an empty address', (t) => {
  t.is(printView(DEFAULT_VIEW), '');
  t.deepEqual(parseView(''), DEFAULT_VIEW);
});

test('Whatever an address has, it is read as a view that has an address', (t) => {
  const names = [
    'from',
    'to',
    'last',
    'brush',
    'where',
    'tab',
    'transform',
    'sort',
    'zoom',
    'lanes',
    'before',
    'layout',
    'fold',
    'open',
    'source',
    'line',
    'row',
  ];
  const values = [
    '',
    '1',
    '2..1',
    '1..2',
    '1e99',
    '99999999999999999999d',
    'hide:%',
    'subtree:a',
    '!',
    ':',
    '-5',
    'NaN..1',
    '%00',
  ];
  for (let seed = 0; seed < 2000; seed++) {
    const { one, some } = dice(seed);
    const query = [one(names), ...some(names)]
      .map((name) => `${name}=${encodeURIComponent(one(values))}`)
      .join('&');
    const view = parseView(query);
    t.deepEqual(parseView(printView(view)), view, query);
  }
});

test('What is not allowed is as usual, and the rest holds', (t) => {
  const view = parseView('?tab=nonsense&sort=total&last=5x&where=nocolon&where=env:prod&brush=9..3');
  t.deepEqual(view, { ...DEFAULT_VIEW, sort: 'total', where: ['env:prod'] });
});

test('What the collector would not take is brought to what it takes', (t) => {
  const { window, comparison } = parseView('?last=999999d&before=999999d');
  t.deepEqual(window, { last: 3650 * 86_400_000 });
  t.is(comparison.before, 3650 * 86_400_000);
  // Not before 1970.
  t.true(Date.now() - (window as { last: number }).last > 0);
  for (const query of ['?from=1&to=8640000000000001', '?last=99999999999999999d'])
    t.deepEqual(parseView(query).window, DEFAULT_VIEW.window, query);
});

test('Half a surrogate pair in a name does not break the address', (t) => {
  const transforms = [{ kind: 'hide', name: 'a\ud800b', file: '' }] as const;
  const query = printView({ ...DEFAULT_VIEW, transforms });
  t.deepEqual(parseView(query).transforms, [{ kind: 'hide', name: 'a\ufffdb', file: '' }]);
});
