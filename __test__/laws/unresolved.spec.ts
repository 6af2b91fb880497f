import test from 'ava';
import { isNameless } from '../support/nameless.js';
import { testNodes } from '../support/nodes.js';
import { profileWorkload } from './support/workload.js';

const RATE = 2000;
/** Code is moved at every collection, and collections are frequent. */
const MOVING = ['--stress-compaction', '--max-semi-space-size=1'];

for (const node of testNodes()) {
  for (const flags of [[], MOVING]) {
    const title = `Node.js ${node.major} ${flags.join(' ')}: code that comes, goes and moves keeps its name`;
    test.serial(title, async (t) => {
      const { truth, profiles, counters } = await profileWorkload<{ rounds: number }>(
        t,
        node,
        'changing-code',
        {
          flags,
          args: ['5000'],
          rate: RATE,
        },
      );
      const [{ samples }] = profiles;
      const frames = samples.flatMap((sample) => sample.frames);
      const unknown = frames.filter(({ name }) => isNameless(name)).length;
      t.log(
        `${unknown} of ${frames.length} frames in ${samples.length} samples without a name, ${counters.code_events} code events`,
      );
      // Otherwise nothing was put to the test.
      t.true(truth.rounds > 500 && frames.length > 20_000 && (counters.code_events ?? 0) > 10_000);
      t.true(unknown / frames.length < 0.01);
      const made = frames.filter(({ name }) =>
        /^(anonymous|polymorphic|get twice|changing)/.test(name.replace(/^\(/, '')),
      );
      t.true(made.length > samples.length / 10, `${made.length} frames of the functions that come and go`);
    });
  }
}
