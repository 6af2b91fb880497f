import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile } from '../support/pprof.js';
import { AUTO, run } from '../support/spawn.js';

const WORKERS = 50;
/** Pool threads keep the aggregator busy while workers come and go, five at a time. */
const PROGRAM = `
  const { Worker } = require('node:worker_threads');
  const { pbkdf2 } = require('node:crypto');
  for (let job = 0; job < 300; job++) pbkdf2('a', 'b', 20000, 64, 'sha512', () => {});
  const WORK = 'function work() { JSON.stringify({ a: [1, 2, 3] }); } for (let round = 0; round < 60000; round++) work();';
  let made = 0;
  const next = () => { if (made++ < ${WORKERS}) new Worker(WORK, { eval: true }).on('exit', next); };
  for (let side = 0; side < 5; side++) next();`;

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: workers that attach while the rings are read have names`, async (t) => {
    const folder = temporaryFolder(t);
    const end = await run(path, ['--require', AUTO, '-e', PROGRAM], {
      env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
      timeout: 120_000,
    });
    t.deepEqual([end.code, end.stderr], [0, '']);
    const samples = profilesIn(folder)
      .flatMap((file) => readProfile(file).samples)
      .filter(({ labels }) => labels.get('thread name')?.startsWith('Worker #'));
    const workers = new Set(samples.map(({ labels }) => labels.get('thread name')));
    const frames = samples.flatMap((sample) => sample.frames);
    const named = (name: string) => frames.filter((frame) => frame.name === name).length;
    const [unknown, unattached] = [named('[unknown]'), named('(not attached)')];
    t.log(`${unknown} of ${frames.length} frames without a name, ${unattached} of workers not attached yet`);
    t.is(workers.size, WORKERS);
    t.true(named('work') > WORKERS, `${named('work')}`);
    t.true(unattached > 0);
    t.true(unknown / frames.length < 0.005, `${unknown} of ${frames.length}`);
  });
}
