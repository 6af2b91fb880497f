import test from 'ava';
import { packageSearch, searchFor } from '../../viewer/src/format/search-text.js';
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

test('behind its word, a package is found by its whole name, and no path that has it', (t) => {
  const named = (name: string, file: string, of: string) => ({ name, file, package: of });
  const all = [
    named('run', '/app/node_modules/eta/index.js', 'eta'),
    named('metadata', '/app/node_modules/beta/eta.js', 'beta'),
    named('eta', '/app/src/eta.js', '(your code)'),
    named('emit', 'node:events', 'node'),
  ];
  const found = (text: string) => all.filter(searchFor(text) ?? (() => false)).map(({ name }) => name);
  t.deepEqual(found('eta'), ['run', 'metadata', 'eta']);
  t.deepEqual(found(packageSearch('eta')), ['run']);
  t.deepEqual(found(' Package: ETA '), ['run']);
  t.deepEqual(found(packageSearch('(your code)')), ['eta']);
  t.deepEqual(found('node'), ['run', 'metadata', 'emit']);
  t.deepEqual(found(packageSearch('node')), ['emit']);
  all.push(named('x', '/a/node_modules/@s/eta/x.js', '@s/eta'), named('eta@1.0.0', '', 'eta@1.0.0'));
  t.deepEqual(found(packageSearch('eta@1.0.0')), ['run', 'eta@1.0.0']);
  t.deepEqual(found(packageSearch('eta')), ['run']);
  t.deepEqual(found(packageSearch('@s/eta')), ['x']);
  t.deepEqual(found(packageSearch('@s/eta@2.0.0-rc.1')), ['x']);
  // What is being typed is a text as any other.
  t.deepEqual(found('package:'), []);
  t.is(searchFor('  '), undefined);
});
