/** What was found, over HTTP and as text: from profiles with known sums to what a reader gets. */
import test from 'ava';
import { findInsights, type Insights } from '#src/insights/insights.js';
import type { Rule } from '#src/insights/rule.js';
import { RULES } from '#src/insights/rules/index.js';
import { openCollector } from '../collector/support/collector.js';
import { encodeProfile, type GivenFrame, type GivenSample } from '../support/build-profile.js';
import { everflame } from '../support/spawn.js';
import { keep, SERVICE } from './support/keep.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const MAIN = 'Main Event Loop';
const SECOND = 1e9;
/** What would be acted on by a terminal, and by a page. */
const HOSTILE = '<b>\u001b[31m"x"\n\'y\'';

const timers = { name: 'processTimers', file: 'node:internal/timers', line: 510, startLine: 506 };
const handle = { name: 'handle', file: '/srv/app.js', line: 8, startLine: 7 };
const hostile = { name: HOSTILE, file: '/srv/odd\u001b[0m.js', line: 10, startLine: 9 };
const readSync = { name: 'readFileSync', file: 'node:fs', line: 440, startLine: 433 };
const pbkdf2Sync = { name: 'pbkdf2Sync', file: 'node:internal/crypto/pbkdf2', line: 70, startLine: 68 };

/** As an answer has it. */
const told = ({ name, file = '', startLine = 0 }: GivenFrame, value: number) => ({
  name,
  file,
  line: startLine,
  value,
});
const sample = (seconds: number, stack: GivenFrame[], thread = MAIN): GivenSample => ({
  values: [seconds * 100, seconds * SECOND, seconds * SECOND],
  stack,
  thread,
});
/** A fifth in files, by two callers; two fifths in cryptography, on another thread. */
const SAMPLES = [
  sample(6, [timers, handle]),
  sample(0.5, [timers, handle, readSync]),
  sample(1.5, [timers, hostile, readSync]),
  sample(7, [timers, handle, pbkdf2Sync], 'Worker #1 Event Loop'),
];
const PERIOD = { start: 1_700_000_000_000_000_000n, durationNanoseconds: 10n * BigInt(SECOND) };
const profile = (samples = SAMPLES) => encodeProfile(TYPES, samples, PERIOD);

const stateOf = ({ insights }: Insights, id: string) => insights.find((one) => one.id === id)?.state;

test('sums, shares, callers and places are those of the profile, on the main thread alone', async (t) => {
  const { store, selection } = await keep(t, [profile()]);
  const answer = await findInsights(store, selection);
  t.is(answer.type, 'wall');
  t.is(answer.unit, 'nanoseconds');
  t.deepEqual([answer.total, answer.busy, answer.samples], [8 * SECOND, 8 * SECOND, 800]);
  t.deepEqual(answer.insights.map(({ id }) => id).sort(), RULES.map(({ id }) => id).sort());
  const [first] = answer.insights;
  t.like(first, {
    id: 'sync-fs',
    state: 'found',
    severity: 'high',
    share: 0.25,
    value: 2 * SECOND,
    type: 'wall',
    unit: 'nanoseconds',
    where: ['thread name:Main Event Loop'],
  });
  t.deepEqual(first?.frames, [told(readSync, 2 * SECOND)]);
  t.deepEqual(first?.callers, [told(hostile, 1.5 * SECOND), told(handle, 0.5 * SECOND)]);
  t.is(stateOf(answer, 'sync-crypto'), 'fine');
  t.is(stateOf(answer, 'json'), 'unknown');
});

test('a selection is kept to, and of one without a main thread nothing is told', async (t) => {
  const { store, selection } = await keep(t, [profile()]);
  const only = (values: string[], negated = false) => ({
    ...selection,
    where: [{ key: 'thread name', values, negated }],
  });
  t.is(stateOf(await findInsights(store, only([MAIN])), 'sync-fs'), 'found');
  for (const other of [only(['Worker #1 Event Loop']), only([MAIN], true)]) {
    const { insights } = await findInsights(store, other);
    t.true(insights.every(({ state }) => state === 'unknown'));
    t.regex(insights[0]?.reason ?? '', /Remove filters/);
  }
});

test('profiles that name no threads are those of the main one', async (t) => {
  const data = encodeProfile(
    TYPES,
    SAMPLES.map(({ values, stack }) => ({ values, stack })),
    PERIOD,
  );
  const { store, selection } = await keep(t, [data]);
  const { insights, busy } = await findInsights(store, selection);
  t.is(busy, 15 * SECOND);
  t.deepEqual(
    insights.filter(({ state }) => state === 'found').map(({ id, where }) => [id, where]),
    [
      ['sync-crypto', []],
      ['sync-fs', []],
    ],
  );
});

test('of a program without JavaScript nothing is told to be fine', async (t) => {
  const module = '/srv/shop';
  const frame = (name: string): GivenFrame => ({ name, file: '/src/main.go', line: 8, startLine: 7, module });
  const stack = [frame('main.main'), frame('main.work')];
  const { store, selection } = await keep(t, [
    encodeProfile(TYPES, [{ values: [300, 3 * SECOND, 3 * SECOND], stack }], PERIOD),
  ]);
  const answer = await findInsights(store, selection);
  t.deepEqual([answer.total, answer.busy], [0, 0]);
  t.true(answer.insights.every(({ state }) => state === 'unknown'));
  t.regex(answer.insights[0]?.reason ?? '', /insights are for profiles of Node\.js/);
});

test('where there is nothing, that is told', async (t) => {
  const { store, selection } = await keep(t, [profile()]);
  const nothing = { total: 0, busy: 0, samples: 0, insights: [] };
  t.deepEqual(await findInsights(store, { ...selection, from: 0, to: 1 }), nothing);
  const heap = encodeProfile([['inuse_space', 'bytes']], [{ values: [5], stack: [handle] }], PERIOD);
  const other = await keep(t, [heap]);
  t.deepEqual(await findInsights(other.store, other.selection), nothing);
  await t.throwsAsync(findInsights(store, { ...selection, service: 'nobody' }), { code: 'NOT_FOUND' });
});

test('a rule that fails is told as such, and the others go on', async (t) => {
  const { store, selection } = await keep(t, [profile()]);
  store.timeline = () => Promise.reject(new Error('the disk is gone'));
  const broken: Rule = {
    ...(RULES[1] as Rule),
    id: 'broken',
    check: async (facts) => {
      await facts.moments();
      return { state: 'fine', share: 0 };
    },
  };
  const { insights } = await findInsights(store, selection, [broken, ...RULES]);
  t.is(insights[0]?.id, 'sync-fs');
  t.like(
    insights.find(({ id }) => id === 'broken'),
    { state: 'failed', reason: 'the disk is gone' },
  );
});

test('HTTP, the command and its JSON say the same, and bad questions are refused', async (t) => {
  const { store, folder, selection } = await keep(t, [profile()]);
  const expected = JSON.parse(JSON.stringify(await findInsights(store, selection))) as Insights;
  const { json, error } = await openCollector(t, { store });
  const range = `service=${SERVICE}&from=${selection.from}&to=${selection.to}`;
  t.deepEqual((await json(`/api/v1/insights?${range}`)) as unknown, expected);
  t.deepEqual((await json(`/api/v1/insights?${range}&type=cpu`)) as unknown, expected);
  t.regex(await error('/api/v1/insights'), /^400 service is missing/);
  t.regex(await error(`/api/v1/insights?${range}&limit=3`), /^400 limit is no parameter here/);
  t.regex(await error('/api/v1/insights?service=nobody'), /^404 .*nobody/);
  const asJson = await everflame(['query', 'insights', '--store', folder, '--json']);
  t.is(asJson.code, 0, asJson.stderr);
  t.deepEqual(JSON.parse(asJson.stdout), expected);
});

test('the text has what was found, why, where and what to do, and nothing that a terminal acts on', async (t) => {
  const { folder } = await keep(t, [profile()]);
  const { code, stdout, stderr } = await everflame(['query', 'insights', '--store', folder]);
  t.is(code, 0, stderr);
  const lines = stdout.split('\n');
  t.is(lines[0], '1 problem found by 12 rules; main thread, wall: busy for 8.00 s of 8.00 s, 800 samples');
  t.is(lines[2], '[high] Synchronous file access on the main thread: 25.0 %');
  t.regex(stdout, / 2\.00 s {2}readFileSync {2}node:fs:433\n/);
  t.regex(stdout, /called by\n/);
  t.regex(stdout, / 500 ms {2}handle .*\/srv\/app\.js:7\n/);
  t.regex(stdout, /\n {2}Rule: Functions of node:fs .* a tenth/);
  t.regex(stdout, /\n {2}Remedy: Use the function of node:fs\/promises/);
  t.regex(
    stdout,
    /\nCannot be told from these profiles:\n(.*\n)*.*JSON.*native frames are not in these profiles/,
  );
  t.regex(stdout, /\nChecked and fine:\n(.*\n)*.*cryptography on the main thread: 0\.0 %/);
  t.false(stdout.includes('\u001b'));
  const empty = await everflame([
    'query',
    'insights',
    '--store',
    folder,
    '--from',
    '2001-01-01',
    '--to',
    '2001-01-02',
  ]);
  t.is(empty.code, 0, empty.stderr);
  t.is(empty.stdout, 'no samples of CPU time or time in this range: nothing can be checked\n');
});
