/** speedscope's JSON: both kinds of profile, each unit, several profiles. */
import test from 'ava';
import { Samples } from '#src/export/samples.js';
import { speedscope } from '#src/export/speedscope.js';
import { WHOLE } from '#src/export/strip.js';
import { decodeProfile } from '#src/upload/pprof/decode.js';
import { encodeProfile } from '../support/build-profile.js';
import { foldedStacks, total, totalsByLabel } from '../support/pprof.js';
import { add, converted, openFiles, reason, table, totals, WRITTEN } from './support/shown.js';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';
const FRAMES = [
  { name: 'main', file: '/app/main.js', line: 3 },
  { name: 'work', file: '/app/node_modules/pkg/work.js', line: 7 },
  { name: 'wait' },
];

type Given = Record<string, unknown>;

function file(...profiles: unknown[]): Given {
  return { $schema: SCHEMA, shared: { frames: FRAMES }, profiles, name: 'recorded' };
}

function sampled(more: Given = {}): Given {
  return {
    type: 'sampled',
    name: 'thread 1',
    unit: 'milliseconds',
    startValue: 0,
    endValue: 31,
    samples: [[0], [0, 1], [0, 1], [0, 2]],
    weights: [3, 5, 7, 11],
    ...more,
  };
}

function evented(more: Given = {}): Given {
  return {
    type: 'evented',
    name: 'thread 2',
    unit: 'microseconds',
    startValue: 100,
    endValue: 200,
    events: [
      { type: 'O', frame: 0, at: 103 },
      { type: 'O', frame: 1, at: 108 },
      { type: 'C', frame: 1, at: 121 },
      { type: 'O', frame: 1, at: 121 },
      { type: 'C', frame: 1, at: 128 },
      { type: 'C', frame: 0, at: 147 },
      // Nothing runs for a while, and the last is open at the end.
      { type: 'O', frame: 2, at: 189 },
    ],
    ...more,
  };
}

test('samples and events come to the sums of the file, each profile as a thread', async (t) => {
  const files = openFiles(t);
  const shown = await add(files, 'a.json', JSON.stringify(file(sampled(), evented())));
  const wall = (3 + 5 + 7 + 11) * 1e6 + (147 - 103 + 200 - 189) * 1e3;
  t.deepEqual(totals(shown), { wall: `${wall} nanoseconds` });
  t.like(shown, { format: 'speedscope', profiles: 2, to: WRITTEN });
  const both = converted('a', file(sampled(), evented()));
  t.deepEqual(
    totalsByLabel(both, 'wall', 'thread name'),
    new Map([
      ['thread 1', 26e6],
      ['thread 2', 55e3],
    ]),
  );
  t.deepEqual(Object.fromEntries(foldedStacks(both, 'wall')), {
    main: 3e6 + (108 - 103 + 147 - 128) * 1e3,
    'main;work': 12e6 + (128 - 108) * 1e3,
    'main;wait': 11e6,
    wait: 11e3,
  });
  const { rows } = await table(files, 'a.json', 'wall');
  t.deepEqual(
    rows.map(({ name, kind, package: from }) => [name, kind, from]),
    [
      ['work', 'package', 'pkg'],
      ['wait', 'app', '(your code)'],
      ['main', 'app', '(your code)'],
    ],
    'a function without a file is none of V8’s own',
  );
});

test('samples and events have their times', (t) => {
  const ends = (profile: Given, end: number): number[] =>
    converted('a', file(profile)).flatMap(({ samples }) =>
      samples.map(
        ({ labels }) =>
          Number(BigInt(labels.get('end_timestamp_ns') ?? 0) - BigInt(WRITTEN) * 1_000_000n) + end,
      ),
    );
  t.deepEqual(ends(sampled(), 31e6), [3e6, 15e6, 26e6]);
  t.deepEqual(ends(evented(), 100e3), [8e3, 21e3, 28e3, 47e3, 100e3]);
});

for (const [unit, type, factor] of [
  ['nanoseconds', 'wall nanoseconds', 1],
  ['microseconds', 'wall nanoseconds', 1e3],
  ['milliseconds', 'wall nanoseconds', 1e6],
  ['seconds', 'wall nanoseconds', 1e9],
  ['bytes', 'bytes bytes', 1],
  ['none', 'sample count', 1],
] as const)
  test(`the unit ${unit}`, (t) => {
    const profiles = converted('a', file(sampled({ unit })));
    const [kind] = profiles[0]?.types ?? [];
    t.is(`${kind?.type} ${kind?.unit}`, type);
    t.is(total(profiles, kind?.type as string), 26 * factor);
  });

test('a long recording can be asked about by parts of it', (t) => {
  const weights = Array.from({ length: 500 }, () => 97);
  const samples = weights.map((_, index) => [0, 1 + (index % 2)]);
  const parts = converted('a', file(sampled({ samples, weights, endValue: 48_500 })));
  t.is(parts.length, 48);
  t.is(total(parts, 'wall'), 48_500 * 1e6);
});

test('weights with fractions add up to the whole', (t) => {
  const weights = Array.from({ length: 400 }, () => 0.25);
  const samples = weights.map((_, index) => [index % 3]);
  t.is(total(converted('a', file(sampled({ unit: 'bytes', samples, weights }))), 'bytes'), 100);
});

test('a beginning that is a date is taken for one', (t) => {
  const date = Date.UTC(2026, 0, 3);
  const [first] = converted('a', file(sampled({ startValue: date, endValue: date + 26 })));
  t.is(first?.startNanoseconds, BigInt(date) * 1_000_000n);
});

for (const [title, given, sentence] of [
  ['no frames', { $schema: SCHEMA, shared: {}, profiles: [] }, 'it has no list shared.frames'],
  ['no profiles', file(), 'it has no profiles'],
  [
    'a frame without a name',
    { ...file(sampled()), shared: { frames: [{ name: 7 }] } },
    'frame 0 of shared.frames has no name',
  ],
  ['a profile that is no object', file(5), 'profile 1 of 1 is no object'],
  [
    'another type',
    file(sampled({ type: 'traced' })),
    'profile 1 of 1 is of the type "traced", which is neither evented nor sampled',
  ],
  [
    'another unit',
    file(sampled(), sampled({ unit: 'parsecs' })),
    'profile 2 of 2 has the unit "parsecs", which is none of nanoseconds, microseconds, milliseconds, seconds, bytes, none',
  ],
  [
    'an end before the start',
    file(sampled({ startValue: 3, endValue: 2 })),
    'profile 1 of 1 goes from 3 to 2',
  ],
  [
    'fewer weights than samples',
    file(sampled({ weights: [1] })),
    'profile 1 of 1 has 4 samples and 1 weights',
  ],
  [
    'no weights',
    file(sampled({ weights: undefined })),
    'profile 1 of 1 is sampled and has no lists of samples and weights',
  ],
  [
    'a weight below zero',
    file(sampled({ weights: [1, -2, 3, 4] })),
    'sample 2 of 4 in profile 1 of 1 weighs -2',
  ],
  [
    'a weight that is none',
    file(sampled({ weights: [1, null, 3, 4] })),
    'sample 2 of 4 in profile 1 of 1 weighs null',
  ],
  [
    'weights that are absurd',
    file(sampled({ unit: 'bytes', weights: [1e300, 1, 1, 1] })),
    'its values add up to more than 9,007,199,254,740,991 bytes, which no counter is exact to',
  ],
  [
    'times that are absurd',
    file(sampled({ unit: 'seconds', weights: [1e200, 1, 1, 1] })),
    'its times are 1.16e+195 days apart, more than can be told in nanoseconds',
  ],
  [
    'a frame that is missing',
    file(sampled({ samples: [[0], [9], [0], [0]] })),
    'sample 2 of 4 in profile 1 of 1 names frame 9, and shared.frames has 3',
  ],
  [
    'a frame that is no place',
    file(sampled({ samples: [[0.5], [0], [0], [0]] })),
    'sample 1 of 4 in profile 1 of 1 names frame 0.5, and shared.frames has 3',
  ],
  ['no events', file(evented({ events: undefined })), 'profile 1 of 1 is evented and has no list of events'],
  [
    'events that go back',
    file(
      evented({
        events: [
          { type: 'O', frame: 0, at: 150 },
          { type: 'C', frame: 0, at: 120 },
        ],
      }),
    ),
    'event 2 of 2 in profile 1 of 1 is at 120, which is before 150: events are to follow each other',
  ],
  [
    'a frame that closes another',
    file(
      evented({
        events: [
          { type: 'O', frame: 0, at: 150 },
          { type: 'C', frame: 1, at: 160 },
        ],
      }),
    ),
    'event 2 of 2 in profile 1 of 1 closes "work", and "main" is the one that was opened last',
  ],
  [
    'a frame that nobody opened',
    file(evented({ events: [{ type: 'C', frame: 1, at: 160 }] })),
    'event 1 of 1 in profile 1 of 1 closes "work", and nothing is open',
  ],
  [
    'an event of another type',
    file(evented({ events: [{ type: 'X', frame: 0, at: 150 }] })),
    'event 1 of 1 in profile 1 of 1 is of the type "X", which is neither O nor C',
  ],
  ['nothing at all', file(sampled({ samples: [], weights: [] })), 'none of its profiles has a value'],
] as [string, Given, string][])
  test(`refused: ${title}`, (t) => {
    t.is(reason(given), `read as speedscope JSON, ${sentence}`);
  });

test('refused: frames that open for ever', (t) => {
  const events = Array.from({ length: 20_000 }, () => ({
    type: 'O',
    frame: 0,
    at: 100,
  }));
  t.is(
    reason(file(evented({ events }))),
    'read as speedscope JSON, the stack at event 16385 of 20000 in profile 1 of 1 has more than 16,384 frames',
  );
});

test('what this profiler has exported comes in as the kinds of value that it was', async (t) => {
  const types = [
    { name: 'sample', unit: 'count' },
    { name: 'wall', unit: 'nanoseconds' },
    { name: 'cpu', unit: 'nanoseconds' },
    { name: 'inuse_space', unit: 'bytes' },
  ];
  const samples = new Samples(
    types.map(({ name }) => name),
    WHOLE,
  );
  const values = [
    [3, 30, 20, 0],
    [5, 70, 0, 1024],
  ];
  const data = encodeProfile(
    types.map(({ name, unit }): [string, string] => [name, unit]),
    values.map((own, number) => ({
      values: own,
      stack: [
        { name: 'main', file: '/app/main.js' },
        { name: `f${number}`, file: '/app/f.js' },
      ],
      thread: `thread ${number}`,
    })),
  );
  samples.add(await decodeProfile('the profile', data), 0);
  const files = openFiles(t);
  const shown = await add(files, 'a.json', speedscope('shop', types, samples, 'everflame 1.2.3'));
  t.deepEqual(totals(shown), {
    sample: '8 count',
    wall: '100 nanoseconds',
    cpu: '20 nanoseconds',
    inuse_space: '1024 bytes',
  });
  const other = await add(files, 'b.json', speedscope('shop', types, samples, 'another 1.2.3'));
  t.deepEqual(totals(other), { sample: '8 count', wall: '120 nanoseconds', bytes: '1024 bytes' });
});
