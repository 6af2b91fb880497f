import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { isNameless } from '../support/nameless.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, shareOf, total } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const WORKLOADS = join(ROOT, '__test__', 'workloads', 'laws');
const NAMES = ['burnApple', 'burnBerry', 'burnCherry', 'burnDamson'];

/** Points of all CPU time. */
const TOLERANCE = 0.02;

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: libraries that take each other's addresses keep their time apart`,
    async (t) => {
      const folder = temporaryFolder(t);
      const addons = NAMES.map((name) => {
        const addon = join(folder, `${name}.node`);
        const flags = ['-Wall', '-Werror', '-O1', '-shared', '-fPIC', `-DNAME=${name}`, '-o', addon];
        execFileSync('cc', [...flags, join(WORKLOADS, 'library.c')]);
        return addon;
      });
      const end = await run(path, ['--require', AUTO, join(WORKLOADS, 'libraries.js'), ...addons], {
        env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), EVERFLAME_RATE: '500' },
        timeout: 60_000,
      });
      t.deepEqual([end.code, end.stderr], [0, '']);
      const spent = JSON.parse(end.stdout) as Record<string, number>;
      const profiles = profilesIn(folder).map(readProfile);
      const all = total(profiles, 'cpu');
      for (const [place, name] of NAMES.entries()) {
        const truth = (spent[addons[place] as string] ?? 0) / all;
        const share = shareOf(profiles, 'cpu', name);
        t.log(`${name}: ${(share * 100).toFixed(2)} % of ${(truth * 100).toFixed(2)} %`);
        t.true(truth > 0.1 && Math.abs(share - truth) < TOLERANCE, `${name}: ${share}, not ${truth}`);
      }
      const frames = profiles.flatMap(({ samples }) => samples.flatMap((sample) => sample.frames));
      const nameless = frames.filter(({ name }) => isNameless(name)).length;
      t.true(nameless < frames.length * 0.005, `${nameless} of ${frames.length} frames have no name`);
    },
  );
}
