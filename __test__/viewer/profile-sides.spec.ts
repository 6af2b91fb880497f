import test from 'ava';
import type { ProfileEntry, Service } from '../../viewer/src/api/answers.js';
import {
  BY_PROFILE,
  chosenSides,
  profileSides,
  selectionOfProfile,
  sideChoices,
} from '../../viewer/src/state/profile-sides.js';
import { DEFAULT_VIEW } from '../../viewer/src/state/view.js';

const comparison = { ...DEFAULT_VIEW.comparison, by: BY_PROFILE };

function service(name: string): Service {
  return { name, from: 10.5, to: 99.5, profiles: 1, instances: 1, types: [] };
}

function profile(from: number, to: number, tags: Record<string, string> = {}): ProfileEntry {
  return { id: '', from, to, kind: 'wall', types: [], tags, samples: 1 };
}

const shop = service('shop');
const a = profile(1000, 2000, { version: '1:4' });
const b = profile(2000, 3000);

test('of several profiles the last two are compared, the earlier as A', (t) => {
  const choices = sideChoices(shop, [b, a, profile(0, 900)], [shop], 0);
  const chosen = chosenSides(comparison, shop, choices);
  t.is(new URLSearchParams(chosen?.a).get('from'), '1000');
  t.is(new URLSearchParams(chosen?.b).get('from'), '2000');
  // One service alone is no side: it is what its profiles are of.
  t.deepEqual(new Set(choices.map(({ group }) => group)), new Set(['profile']));
});

test('of files, which are services of one profile, the one shown is B and another A', (t) => {
  const [first, second] = [service('a.pprof'), service('b.pprof')];
  const choices = sideChoices(first, [a], [first, second], 0);
  const chosen = chosenSides(comparison, first, choices);
  const shown = { service: 'a.pprof', from: 0, to: 5000, type: 'cpu', where: [] };
  t.deepEqual(chosen && profileSides(shown, chosen), {
    a: { service: 'b.pprof', from: 10, to: 101, type: 'cpu', where: [] },
    b: { service: 'a.pprof', from: 10, to: 101, type: 'cpu', where: [] },
  });
});

test('one profile of one service has nothing to be compared with', (t) => {
  t.is(chosenSides(comparison, shop, sideChoices(shop, [a], [shop], 0)), undefined);
  t.is(chosenSides(comparison, shop, sideChoices(shop, [], [shop], 0)), undefined);
});

test('what is chosen holds, and the conditions of the page but for those that a side has itself', (t) => {
  const [first, second] = sideChoices(shop, [a, b], [shop], 0).map(({ value }) => value) as [string, string];
  const chosen = chosenSides({ ...comparison, a: first, b: second }, shop, []);
  t.deepEqual(chosen, { a: first, b: second });
  const shown = {
    service: 'shop',
    from: 0,
    to: 9,
    type: 'wall',
    where: ['version:2', '!version:3', 'thread name:x'],
  };
  const sides = profileSides(shown, { a: second, b: first });
  t.deepEqual(sides?.a, {
    service: 'shop',
    from: 1000,
    to: 2000,
    type: 'wall',
    where: ['thread name:x', 'version:1:4'],
  });
  t.deepEqual(sides?.b.where, shown.where);
});

test('a text that is no selection is no side', (t) => {
  const shown = { service: 'shop', from: 0, to: 9, type: 'wall', where: [] };
  const whole = sideChoices(shop, [a], [shop], 0)[0]?.value as string;
  for (const text of ['', 'x', 'service=shop', 'service=shop&from=5&to=5', 'service=&from=1&to=2', '%'])
    t.is(profileSides(shown, { a: text, b: whole }), undefined, text);
});

test('a profile that lasts no time is in its own range', (t) => {
  t.deepEqual(selectionOfProfile('shop', profile(7, 7)), { service: 'shop', from: 7, to: 8, where: [] });
});
