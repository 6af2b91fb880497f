import test from 'ava';
import { AnswerError } from '../../viewer/src/api/container.js';
import { decodeTimeline } from '../../viewer/src/api/decode-timeline.js';
import { decodeSandwich, decodeTree } from '../../viewer/src/api/decode-tree.js';
import { NO_FRAME, type Tree } from '../../viewer/src/api/tree.js';
import { timelineAnswer } from '../support/viewer/lists.js';
import { MARKUP, shopProfile } from '../support/viewer/samples.js';
import { select, sum } from '../support/viewer/selection.js';
import { diffAnswer, sandwichAnswer, treeAnswer } from '../support/viewer/trees.js';
import { bufferOf, damaged } from './support/garbage.js';

const END = Date.UTC(2026, 0, 15, 12);
const STORE = [shopProfile(END, '1.4.0', 'web-1'), shopProfile(END, '1.5.0', 'web-2')];
const selected = (query: string) => select(STORE, new URLSearchParams(`service=shop&${query}`), END);

/** What every tree that was let through must be, for what draws it to be right. */
function isSound({ parent, frame, frames, selfValues, totalValues }: Tree): boolean {
  return parent.every(
    (above, node) =>
      (node === 0
        ? above === 0 && frame[0] === NO_FRAME
        : above < node && (frame[node] as number) < frames.name.length) &&
      Number.isFinite(selfValues[node]) &&
      Number.isFinite(totalValues[node]),
  );
}

test('A tree has the values that were written', (t) => {
  const chosen = selected('type=cpu');
  const tree = decodeTree(bufferOf(treeAnswer(chosen, 'function', null)));
  t.is(tree.total, sum(chosen.chosen));
  t.is(tree.totalValues[0], tree.total);
  t.is(
    tree.selfValues.reduce((all, value) => all + value, 0),
    tree.total,
  );
  t.is(tree.seconds, 120);
  t.is(tree.unit, 'nanoseconds');
  t.true(isSound(tree));
  t.true(tree.frames.name.includes(MARKUP));
  t.true(tree.frames.name.includes('__proto__'));
  t.is(tree.selfValuesB, undefined);
});

test('A difference has the values of both selections', (t) => {
  const [a, b] = [selected('where=version:1.4.0'), selected('where=version:1.5.0')];
  const tree = decodeTree(bufferOf(diffAnswer(a, b, 'function')));
  t.is(tree.totalValues[0], sum(a.chosen));
  t.is(tree.totalValuesB?.[0], sum(b.chosen));
  t.not(tree.totalValues[0], tree.totalValuesB?.[0]);
});

test('A sandwich is two trees of the same total', (t) => {
  const file = '/srv/shop/src/cart.ts';
  const { callers, callees } = decodeSandwich(bufferOf(sandwichAnswer(selected(''), 'renderCart', file)));
  // 401 + 211 ms in version 1.4.0, three times that in 1.5.0.
  t.is(callers.totalValues[0], (401 + 211) * 4e6);
  t.is(callees.totalValues[0], callers.totalValues[0]);
  t.is(callers.frames.name[callers.frame[2] as number], 'getCart');
  t.is(callees.frames.name[callees.frame[2] as number], 'stringify');
});

test('A timeline has the samples that were written', (t) => {
  const chosen = selected('type=wall');
  const timeline = decodeTimeline(bufferOf(timelineAnswer(chosen)));
  t.is(timeline.lane.length, chosen.chosen.length);
  t.is(
    timeline.wall.reduce((all, value) => all + value, 0),
    sum(chosen.chosen),
  );
  t.is(timeline.labels[timeline.label[0] as number]?.get('trace endpoint'), 'GET /cart');
  t.deepEqual(new Set(timeline.lanes.map(({ name }) => name)), new Set(['main', 'worker 1', 'libuv-worker']));
});

test('A label of any name is text in a map', (t) => {
  const [profile] = STORE;
  const labels = new Map([
    ['__proto__', 'a'],
    ['constructor', MARKUP],
  ]);
  const samples = (profile?.samples ?? []).slice(0, 1).map((sample) => ({ ...sample, labels }));
  const store = [{ ...(profile as (typeof STORE)[0]), samples }];
  const chosen = select(store, new URLSearchParams('service=shop'), END);
  t.deepEqual(decodeTimeline(bufferOf(timelineAnswer(chosen))).labels[0], labels);
});

const small = () => {
  const chosen = selected('');
  return { ...chosen, chosen: chosen.chosen.slice(0, 3) };
};

test('A tree that is damaged at any byte is refused in a sentence, or is sound', (t) => {
  for (const bytes of damaged(treeAnswer(small(), 'function', null))) {
    try {
      t.true(isSound(decodeTree(bytes)));
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      t.regex(error.message, /^The collector's answer cannot be read: .+\. Reload the page/);
    }
  }
});

test('A timeline that is damaged at any byte is refused in a sentence, or leads nowhere outside of its lists', (t) => {
  for (const bytes of damaged(timelineAnswer(small()))) {
    try {
      const { lane, lanes, node, parent, label, labels, frame, frames } = decodeTimeline(bytes);
      t.true(lane.every((index) => index < lanes.length));
      t.true(node.every((index) => index < parent.length));
      t.true(label.every((index) => index < labels.length));
      t.true(frame.subarray(1).every((index) => index < frames.name.length));
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      t.regex(error.message, /^The collector's answer cannot be read: /);
    }
  }
});

test('What is cut off is never taken for the whole', (t) => {
  const whole = treeAnswer(small(), 'function', null);
  for (let length = 0; length < whole.length; length++)
    t.throws(() => decodeTree(bufferOf(whole.subarray(0, length))), { instanceOf: AnswerError });
});
