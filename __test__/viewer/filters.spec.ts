import test from 'ava';
import type { LabelKey } from '../../viewer/src/api/answers.js';
import {
  inverted,
  parseCondition,
  printCondition,
  toggled,
  withCondition,
} from '../../viewer/src/state/conditions.js';
import { sidesOf, valuesOf } from '../../viewer/src/state/sides.js';
import { suggest } from '../../viewer/src/state/suggest.js';
import { DEFAULT_VIEW } from '../../viewer/src/state/view.js';

const keyOf = (key: string, ...values: string[]): LabelKey => ({
  key,
  isTag: true,
  values: values.map((value, index) => ({ value, total: 100 - index })),
  more: 0,
});
const KEYS = [
  keyOf('env', 'prod', 'staging'),
  keyOf('version', '1.10.0', '1.9.0', '1.8.0'),
  keyOf('url', 'http://a:1'),
];
const texts = (typed: string) => suggest(typed, KEYS).map(({ text }) => text);

test('A condition comes back from its text', (t) => {
  for (const condition of [
    { key: 'env', value: 'prod', not: false },
    { key: 'url', value: 'http://a:1', not: true },
    { key: 'thread name', value: '', not: false },
    { key: 'x', value: 'two\nlines', not: false },
  ])
    t.deepEqual(parseCondition(printCondition(condition)), condition);
  t.is(parseCondition('no colon'), undefined);
  t.is(parseCondition(':value'), undefined);
});

test('A condition takes the place of its opposite', (t) => {
  t.deepEqual(withCondition(['env:prod', 'a:b'], '!env:prod'), ['a:b', '!env:prod']);
  t.deepEqual(withCondition(['env:prod'], 'env:staging'), ['env:prod', 'env:staging']);
  t.deepEqual(toggled(['env:prod', 'a:b'], 'env:prod'), ['a:b']);
  t.deepEqual(toggled(['!env:prod'], 'env:prod'), ['env:prod']);
  t.is(inverted(inverted('env:prod')), 'env:prod');
});

test('An empty field suggests the keys, a key its values', (t) => {
  t.deepEqual(texts(''), ['env:', 'version:', 'url:']);
  t.deepEqual(texts('env:'), ['env:prod', 'env:staging']);
  t.deepEqual(texts('version:1.9'), ['version:1.9.0']);
  t.deepEqual(texts('url:http://a'), ['url:http://a:1']);
});

test('A text finds keys and values, upper and lower case alike', (t) => {
  t.deepEqual(texts('V'), ['env:', 'version:']);
  t.deepEqual(texts('STAG'), ['env:staging']);
  t.deepEqual(texts('!stag'), ['!env:staging']);
  t.deepEqual(texts('nothing'), []);
  t.deepEqual(texts('unknown:'), []);
});

const shown = { service: 'shop', from: 1000, to: 3000, type: 'cpu', where: ['env:prod', 'version:1.8.0'] };
const comparison = DEFAULT_VIEW.comparison;

test('By time A is as long as B and ends where it begins, or so much earlier', (t) => {
  t.like(sidesOf(shown, comparison, KEYS), { a: { from: -1000, to: 1000 }, b: shown });
  t.like(sidesOf(shown, { ...comparison, before: 500 }, KEYS), { a: { from: 500, to: 2500 }, b: shown });
});

test('By a key both sides have the other conditions, and each its value', (t) => {
  const sides = sidesOf(shown, { ...comparison, by: 'version' }, KEYS);
  t.deepEqual(sides?.a.where, ['env:prod', 'version:1.9.0']);
  t.deepEqual(sides?.b.where, ['env:prod', 'version:1.10.0']);
});

test('Chosen values hold; without two values there is nothing to compare', (t) => {
  t.deepEqual(valuesOf({ ...comparison, by: 'version', a: '1.8.0' }, KEYS), { a: '1.8.0', b: '1.10.0' });
  t.is(sidesOf(shown, { ...comparison, by: 'url' }, KEYS), undefined);
  t.is(sidesOf(shown, { ...comparison, by: 'unknown' }, KEYS), undefined);
});
