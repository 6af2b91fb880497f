import { join } from 'node:path';
import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { ROOT, run } from '../support/spawn.js';

const PROGRAM = join(ROOT, '__test__', 'workloads', 'safety', 'restarts.cjs');

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: 40 starts and stops while workers come and go`, async (t) => {
    const end = await run(path, [PROGRAM, ROOT, '40'], { timeout: 100_000 });
    t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
    const { samples, ended } = JSON.parse(end.stdout);
    // At least the 20 ms of the main thread each time.
    t.true(samples > 40 * 100 * 0.9, `${samples} samples`);
    t.true(ended > 20, `${ended} workers`);
  });
}
