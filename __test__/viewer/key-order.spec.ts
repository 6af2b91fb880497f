import test from 'ava';
import type { LabelKey } from '../../viewer/src/api/answers.js';
import { byUse } from '../../viewer/src/state/key-order.js';

const ordered = (...keys: string[]) =>
  byUse(keys.map((key): LabelKey => ({ key, isTag: true, values: [], more: 0 }))).map(({ key }) => key);

test('what is likely to be meant is offered first, and all else in its own order', (t) => {
  t.deepEqual(
    ordered('os thread id', 'thread id', 'thread name', 'git.commit.sha', 'process_id', 'version'),
    ['version', 'thread name', 'os thread id', 'thread id', 'git.commit.sha', 'process_id'],
  );
  t.deepEqual(ordered('version', 'file'), ['file', 'version']);
  t.deepEqual(ordered('z', 'a'), ['z', 'a']);
  t.deepEqual(ordered(), []);
});
