import test from 'ava';
import { sharedTags } from '../../viewer/src/state/shared-tags.js';

const shared = (...all: Record<string, string>[]) => [...sharedTags(all)];

test('tags that all have with one value are shared, and no others', (t) => {
  t.deepEqual(
    shared(
      { env: 'prod', host: 'a', version: '1', zone: 'x' },
      { env: 'prod', host: 'b', version: '1' },
      { env: 'prod', host: 'a', version: '1', more: 'y' },
    ),
    [
      ['env', 'prod'],
      ['version', '1'],
    ],
  );
});

test('one alone, and nothing, share nothing', (t) => {
  t.deepEqual(shared({ env: 'prod' }), []);
  t.deepEqual(shared(), []);
  t.deepEqual(shared({}, {}), []);
});

test('names that objects have by themselves are tags like others', (t) => {
  const tags = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
  t.deepEqual(shared(tags, {}), []);
  t.deepEqual(shared(tags, { ...tags, constructor: 'c' }), [['__proto__', 'a']]);
  t.deepEqual(shared(tags, tags), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});
