import test from 'ava';
import { parseTags, resolveTags } from '#src/config/tags.js';

const REMEDY = 'Write each as key:value, with commas between them, such as team:checkout,region:eu.';

/** The tags of a text, as one text. */
function parsed(text: string): string {
  return parseTags('DD_TAGS', text)
    .tags.map((tag) => tag.join(' = '))
    .join('; ');
}

test('tags are separated by commas, or by spaces where there is no comma', (t) => {
  const expected: Record<string, string> = {
    'a:1,b:2': 'a = 1; b = 2',
    'a:1 b:2': 'a = 1; b = 2',
    ' a:1 ,  b:2 ': 'a = 1; b = 2',
    'a:1\nb:2\tc:3': 'a = 1; b = 2; c = 3',
    'a:one two,b:2': 'a = one two; b = 2',
    'a: 1,b :2': 'a = 1; b = 2',
    'url:https://x:80/y,b:2': 'url = https://x:80/y; b = 2',
    'a:1,a:2': 'a = 2',
    'a:1,,b:2': 'a = 1; b = 2',
    'a:1,': 'a = 1',
    ',': '',
    ' ': '',
    'a:x\u0000y\u001bz,b:é\ud800': 'a = x_y_z; b = é\ufffd',
    'a:x\ny,b:2': 'a = x_y; b = 2',
  };
  for (const [text, tags] of Object.entries(expected)) {
    t.is(parsed(text), tags, JSON.stringify(text));
    t.deepEqual(parseTags('DD_TAGS', text).warnings, [], JSON.stringify(text));
  }
});

test('tags without a key or a value are left out, with one sentence for all of them', (t) => {
  const { tags, warnings } = parseTags('DD_TAGS', 'word,a:1,:x,b:,c:d:,:,::, : ');
  t.deepEqual(tags, [['a', '1']]);
  t.deepEqual(warnings, [
    `DD_TAGS has the tags "word", ":x", "b:" and 4 more without a key or a value, which are left out. ${REMEDY}`,
  ]);
  t.deepEqual(parseTags('DD_TAGS', 'team').warnings, [
    `DD_TAGS has the tag "team" without a key or a value, which is left out. ${REMEDY}`,
  ]);
  // Spaces in a value, and no comma that would say so.
  t.deepEqual(parseTags('DD_TAGS', 'team:my team').tags, [['team', 'my']]);
});

test('the option is over DD_PROFILING_TAGS, and that over DD_TAGS, for each key', (t) => {
  const environment = { DD_TAGS: 'a:base,b:base,c:base', DD_PROFILING_TAGS: 'b:profiling,c:profiling,bad' };
  const { tags, warnings } = resolveTags({ c: 'code' }, environment);
  t.deepEqual(tags, [
    ['a', 'base'],
    ['b', 'profiling'],
    ['c', 'code'],
  ]);
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /^DD_PROFILING_TAGS has the tag "bad"/);
  t.deepEqual(resolveTags('c:code d:code', environment).tags.slice(2), [
    ['c', 'code'],
    ['d', 'code'],
  ]);
  t.deepEqual(resolveTags(undefined, { DD_TAGS: '' }), { tags: [], warnings: [] });
});

test('an object has texts, numbers and truth values as they are, and never changes', (t) => {
  const option = Object.freeze({
    text: ' a,b ',
    number: 1.5,
    truth: false,
    big: 7n,
    'k,e:y': 'x:y',
    line: 'a\nb',
  });
  t.deepEqual(resolveTags(option, {}), {
    tags: [
      ['text', 'a_b'],
      ['number', '1.5'],
      ['truth', 'false'],
      ['big', '7'],
      ['k_e_y', 'x:y'],
      ['line', 'a_b'],
    ],
    warnings: [],
  });
});

test('other values of an object are left out and told', (t) => {
  const option = {
    good: 'x',
    object: {},
    list: ['a'],
    nothing: null,
    unset: undefined,
    call: () => 'x',
    empty: '',
    blank: ' ',
    symbol: Symbol('x'),
    get thrower(): string {
      throw new Error('of the program');
    },
  };
  const { tags, warnings } = resolveTags(option, {});
  t.deepEqual(tags, [['good', 'x']]);
  t.deepEqual(warnings, [
    `The option "tags" has the tags "object", "list", "nothing" and 6 more without a key or a value, which are left out. Write them as an object of texts, such as { team: 'checkout' }, or as one text.`,
  ]);
});

test('an option that is neither an object nor a text is ignored and told', (t) => {
  for (const [option, found] of [
    [['a:1'], 'a list'],
    [new Map([['a', '1']]), 'a list'],
    [7, 'a number'],
    [true, 'a boolean'],
    [() => 1, 'a function'],
  ] as const) {
    t.deepEqual(resolveTags(option, { DD_TAGS: 'a:1' }), {
      tags: [['a', '1']],
      warnings: [
        `The option "tags" is ${found} and is ignored. Write them as an object of texts, such as { team: 'checkout' }, or as one text.`,
      ],
    });
  }
});

test('an object that cannot be read at all is ignored and told', (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  t.deepEqual(resolveTags(proxy, {}), {
    tags: [],
    warnings: [
      `The option "tags" cannot be read and is ignored. Write them as an object of texts, such as { team: 'checkout' }, or as one text.`,
    ],
  });
});

test('no tag that comes out would split or end another, whatever goes in', (t) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const alphabet = ['a', 'b', ':', ',', ' ', '\n', '\u0000', '\ud83d', '\udd25', 'é', '\u2028', '"'];
  for (let turn = 0; turn < 5000; turn++) {
    const text = Array.from({ length: random(14) }, () => alphabet[random(alphabet.length)]).join('');
    for (const { tags } of [parseTags('x', text), resolveTags({ [text]: text }, {})]) {
      const joined = tags.map((tag) => tag.join(':'));
      for (const tag of joined) t.notRegex(tag, /^:|:$|,|\p{Cc}|\p{Cs}|^\s|\s$/u, JSON.stringify(text));
      t.is(new Set(tags.map(([key]) => key)).size, tags.length);
    }
  }
});
