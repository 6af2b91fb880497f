/** Programs with one problem each, run for real: the rule for it finds it, at the function that is to blame, and no other rule finds any. */
import test from 'ava';
import { findInsights, type Insight } from '#src/insights/insights.js';
import { RULES } from '#src/insights/rules/index.js';
import { testNodes } from '../support/nodes.js';
import { type ProgramOptions, profileProgram } from './support/program.js';

interface Expected extends ProgramOptions {
  program: string;
  /** Which rule finds it. */
  id: string;
  /** A frame of the finding, and who called it. */
  frame: RegExp;
  caller?: string;
}

const EXPECTED: Expected[] = [
  { program: 'blocked', id: 'blocked-loop', frame: /^(priceAll|during|makeReport)$/ },
  { program: 'sync-fs', id: 'sync-fs', frame: /^readFileSync$/, caller: 'readTemplate' },
  { program: 'sync-crypto', id: 'sync-crypto', frame: /^pbkdf2Sync$/, caller: 'checkPassword' },
  { program: 'sync-zlib', id: 'sync-zlib', frame: /^syncBufferWrapper$/, caller: 'packPage' },
  { program: 'json', id: 'json', frame: /Json(Parse|Stringify)/, caller: 'copyCatalogue' },
  {
    program: 'regexp',
    id: 'regular-expression',
    frame: /^RegExp: \/\^\(\\w\+\\s\?\)\*\$\/$/,
    caller: 'isListOfWords',
  },
  {
    program: 'garbage',
    id: 'garbage-collection',
    frame: /^\(garbage collector\)$/,
    caller: 'buildRows',
    // Else other threads do a part of it that depends on the machine.
    flags: ['--single-threaded-gc'],
  },
  { program: 'modules', id: 'module-loading', frame: /^require$/, caller: 'loadTariff' },
  { program: 'logging', id: 'logging', frame: /InspectorConsoleCall|^log$/, caller: 'handleOrder' },
  { program: 'pool', id: 'pool', frame: /PBKDF2|DeriveBits/ },
  { program: 'exceptions', id: 'exceptions', frame: /Error/, caller: 'priceOr' },
  { program: 'deoptimised', id: 'deoptimisation', frame: /eopt/, caller: 'walk' },
];

const found = (insights: Insight[]) => insights.filter(({ state }) => state === 'found');

test('each rule has a program', (t) => {
  t.deepEqual(EXPECTED.map(({ id }) => id).sort(), RULES.map(({ id }) => id).sort());
});

for (const { major, path } of testNodes()) {
  for (const { program, id, frame, caller, ...options } of EXPECTED) {
    test.serial(`Node.js ${major}: ${program} is found, and nothing else`, async (t) => {
      const { store, selection } = await profileProgram(t, path, program, options);
      const { insights, samples } = await findInsights(store, selection);
      t.log(
        `${samples} samples; ${insights.map((one) => `${one.id} ${((one.share ?? 0) * 100).toFixed(1)} %`).join(', ')}`,
      );
      t.deepEqual(
        found(insights).map((one) => one.id),
        [id],
      );
      const [insight] = insights as [Insight];
      t.regex(insight.frames?.[0]?.name ?? '', frame);
      if (caller !== undefined) t.is(insight.callers?.[0]?.name, caller);
      t.deepEqual(insight.where, [`thread name:${id === 'pool' ? 'libuv-worker' : 'Main Event Loop'}`]);
      t.true(insights.every(({ state }) => state !== 'failed'));
    });
  }

  test.serial(`Node.js ${major}: in a service that is busy and healthy nothing is found`, async (t) => {
    const { store, selection } = await profileProgram(t, path, 'healthy');
    const { insights, samples, busy, total } = await findInsights(store, selection);
    t.log(
      `busy ${((100 * busy) / total).toFixed(0)} %, ${samples} samples; ${insights.map((one) => `${one.id} ${((one.share ?? 0) * 100).toFixed(1)} %`).join(', ')}`,
    );
    t.deepEqual(
      insights.map(({ id, state, reason }) => ({ id, state, reason })),
      RULES.map(({ id }) => ({ id, state: 'fine' as const, reason: undefined })),
    );
  });
}

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: short calls that come in bursts block no loop`, async (t) => {
    const { store, selection } = await profileProgram(t, path, 'bursts', { seconds: 2.4 });
    const { insights, samples } = await findInsights(store, selection);
    const { share = 0 } = insights.find(({ id }) => id === 'blocked-loop') as Insight;
    t.log(`${samples} samples, blocked for ${(share * 100).toFixed(1)} %`);
    // A machine that stands still for a tenth of a second blocks what runs then. All bursts together are nearly all of the time.
    t.true(share < 0.25, `${share}`);
  });
}

test.serial('without native frames, what needs them is not told as absent', async (t) => {
  const env = { DD_PROFILING_STACK_NATIVE_FRAMES: 'false' };
  const { path } = testNodes()[0] as { path: string };
  const { store, selection } = await profileProgram(t, path, 'json', { env });
  const { insights } = await findInsights(store, selection);
  const unknown = insights.filter(({ state }) => state === 'unknown');
  t.deepEqual(
    unknown.map(({ id }) => id),
    ['json', 'pool', 'exceptions', 'deoptimisation'],
  );
  for (const { reason } of unknown) t.regex(reason ?? '', /native frames are not in these profiles/);
});
