import test from 'ava';
import { matchedTotal, matchFrames } from '../../viewer/src/graph/search.js';
import { manyTrees, randomTree } from './support/random-tree.js';
import { stacksOf } from './support/stacks.js';

test('a stack with any number of matches counts once', (t) => {
  for (const tree of manyTrees({ functions: 12 })) {
    const matched = matchFrames(tree.frames, 'function3');
    const hits = stacksOf(tree).filter(({ frames }) => frames.some((frame) => matched[frame]));
    t.true(hits.some(({ frames }) => frames.filter((frame) => matched[frame]).length > 1));
    t.deepEqual(matchedTotal(tree, matched), {
      total: hits.reduce((sum, { a }) => sum + a, 0),
      totalB: hits.reduce((sum, { b }) => sum + b, 0),
    });
  }
});

test('a search looks at name, file and package, in any case, and an empty one finds nothing', (t) => {
  const { frames } = randomTree(1);
  const found = (text: string) =>
    Array.from(matchFrames(frames, text).keys()).filter((frame) => matchFrames(frames, text)[frame]);
  t.deepEqual(
    found('FILE1.JS'),
    frames.file.flatMap((file, frame) => (file === '/app/file1.js' ? [frame] : [])),
  );
  t.deepEqual(
    found(' Package2'),
    frames.package.flatMap((name, frame) => (name === 'package2' ? [frame] : [])),
  );
  t.deepEqual(
    found('function7'),
    frames.name.flatMap((name, frame) => (name === 'function7' ? [frame] : [])),
  );
  t.deepEqual(found('  '), []);
  t.deepEqual(found('nowhere'), []);
});
