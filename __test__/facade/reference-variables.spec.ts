import test from 'ava';
import { deliverySettings } from '#src/config/delivery-settings.js';
import { EFFECTS, referenceVariable, referenceVariables } from '#src/config/reference-variables.js';
import { type Setting, settings } from '#src/config/settings.js';

const ours = [
  ...Object.values(settings as Record<string, Setting>),
  ...Object.values(deliverySettings as Record<string, Setting>),
].flatMap(({ env }) => env);

test('each variable is a setting or is explained, and is there once', (t) => {
  // One of them may stand for two settings.
  const names = [...new Set(ours), ...referenceVariables.map(({ variable }) => variable)];
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  t.deepEqual(twice, []);
});

test('each has a name of the reference and a sentence', (t) => {
  for (const { variable, effect, text } of referenceVariables) {
    t.regex(variable, /^_?DD_[A-Z0-9_]+$/);
    t.regex(text, /^[A-Z].*\.$/, variable);
    t.true(effect in EFFECTS, variable);
    t.false(text.includes('|'), variable);
  }
});

test('what is to be set in its place is a setting that there is', (t) => {
  for (const { variable, effect, text } of referenceVariables) {
    const named = text.match(/\b(DD|EVERFLAME)_[A-Z_]+/g) ?? [];
    if (effect === 'honoured') t.true(named.length > 0, variable);
    for (const name of named) t.true(ours.includes(name), `${variable} names ${name}`);
  }
});

test('a name that nobody knows is not in the table', (t) => {
  t.is(referenceVariable('DD_PROFILING_NO_SUCH_THING'), undefined);
  t.is(referenceVariable('DD_PROFILING_HEAP_ENABLED')?.effect, 'later');
});
