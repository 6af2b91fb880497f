/** Two files of one name never become one service. */
import test from 'ava';
import { freeName, namesOf } from '#src/import/service-names.js';

test('as many folders stand before a name as tell it apart', (t) => {
  const paths = ['/a/x', '/b/x', '/c/b/x', '/c/y', '/x', '/d/__proto__', '/e/__proto__'];
  t.deepEqual([...namesOf(paths)].sort(), [
    ['/a/x', 'a/x'],
    ['/b/x', 'b/x'],
    ['/c/b/x', 'c/b/x'],
    ['/c/y', 'y'],
    ['/d/__proto__', 'd/__proto__'],
    ['/e/__proto__', 'e/__proto__'],
    ['/x', 'x'],
  ]);
});

test('a name that is taken has a number', (t) => {
  const taken = new Set(['a', 'a (2)']);
  t.is(
    freeName('a', (name) => taken.has(name)),
    'a (3)',
  );
  t.is(
    freeName('b', (name) => taken.has(name)),
    'b',
  );
});
