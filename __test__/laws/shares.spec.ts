import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { shareOf } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

interface Shares {
  /** CPU time that the kernel charged while each function ran, in nanoseconds. */
  spent: Record<string, number>;
  /** CPU time that the kernel charged the process. */
  process: number;
}

/** How the functions are called in the profile. */
const NAMES: Record<string, RegExp> = {
  inlined: /^inlined$/,
  recursive: /^recursive$/,
  asynchronous: /^asynchronous$/,
  inWorker: /^inWorker$/,
  // What comes after the work, on the main thread, runs the program's own code.
  pbkdf2: /PBKDF2Traits>::DoThreadPoolWork/,
};

for (const node of testNodes()) {
  test.serial(`Node.js ${node.major}: shares of five functions are right within two points`, async (t) => {
    const { truth, profiles } = await profileWorkload<Shares>(t, node, 'shares', { args: ['30'] });
    t.deepEqual(Object.keys(truth.spent).sort(), Object.keys(NAMES).sort());
    for (const [name, spent] of Object.entries(truth.spent)) {
      const expected = (spent / truth.process) * 100;
      const found = shareOf(profiles, 'cpu', NAMES[name] as RegExp) * 100;
      t.log(`${name}: ${found.toFixed(2)} %, kernel ${expected.toFixed(2)} %`);
      // A share next to nothing would be right in any profile.
      t.true(expected > 4, `${name} is not burning`);
      t.true(Math.abs(found - expected) <= 2, `${name}: ${found} %, not ${expected} %`);
    }
  });
}
