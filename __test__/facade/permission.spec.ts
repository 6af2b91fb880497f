import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, everflame, ROOT, run } from '../support/spawn.js';

const READ = `--allow-fs-read=${join(ROOT, '*')}`;

for (const { major, path } of testNodes()) {
  const model = Number(major) < 24 ? '--experimental-permission' : '--permission';

  /** Preloads the profiler under the permission model; the lines that it says itself. */
  async function restricted(folder: string, flags: string[], env: Record<string, string> = {}) {
    const own = [model, `--allow-fs-read=${join(folder, '*')}`, ...flags, '--require', AUTO];
    const end = await run(path, [...own, join(folder, 'app.js')], {
      cwd: folder,
      env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p'), ...env },
    });
    return { ...end, said: end.stderr.split('\n').filter((line) => line.startsWith('everflame:')) };
  }

  const app = { 'app.js': `console.log('the program'); process.exitCode = 6;` };

  test(`Node.js ${major}: where the permission model forbids addons, one line names the flags`, async (t) => {
    const folder = temporaryFolder(t, app);
    const end = await restricted(folder, [READ]);
    t.deepEqual([end.code, end.stdout], [6, 'the program\n'], end.stderr);
    t.is(end.said.length, 1, end.stderr);
    t.true(
      end.said[0]?.includes(
        `. Start it with --allow-addons ${READ} and, for the profiles, --allow-fs-write=<dir>/*`,
      ),
      end.stderr,
    );
    t.false(end.stderr.includes('Install it again'), end.stderr);
    const forced = await restricted(folder, [READ], { EVERFLAME_ENGINE: 'inspector' });
    t.deepEqual([forced.code, forced.said.length], [6, 1], forced.stderr);
    t.regex(
      forced.said[0] ?? '',
      / the native sampler with --allow-addons and --engine auto\. The program runs/,
    );
  });

  test(`Node.js ${major}: a folder that the permission model keeps from the profiler has its flag named`, async (t) => {
    const folder = temporaryFolder(t, app);
    const end = await restricted(folder, [READ, '--allow-addons']);
    t.deepEqual([end.code, end.stdout], [6, 'the program\n'], end.stderr);
    t.is(end.said.length, 1, end.stderr);
    t.true(
      end.said[0]?.includes(
        `. Start Node.js with --allow-fs-write=${join(folder, 'out', '*')}, or name another`,
      ),
      end.stderr,
    );
  });

  test(`Node.js ${major}: with the flags that the lines name, a profile is written`, async (t) => {
    const folder = temporaryFolder(t, app);
    const end = await restricted(folder, [
      READ,
      '--allow-addons',
      `--allow-fs-write=${join(folder, 'out', '*')}`,
    ]);
    t.deepEqual([end.code, end.said], [6, []], end.stderr);
    t.is(profilesIn(join(folder, 'out')).length, 1);
  });

  test(`Node.js ${major}: the last line of a run counts profiles of a process that may not write its report`, async (t) => {
    const folder = temporaryFolder(t, app);
    const out = join(folder, 'out');
    const flags = [
      model,
      '--no-warnings',
      '--allow-addons',
      '--allow-fs-read=*',
      `--allow-fs-write=${join(out, '*')}`,
    ];
    for (let round = 0; round < 2; round++) {
      const end = await everflame(['run', '--output', 'out', path, ...flags, 'app.js'], { cwd: folder });
      t.is(end.code, 6);
      t.regex(
        end.stderr,
        /^everflame: 1 profile of 1 process in out; look at it with: everflame top out\/.*\n$/,
      );
    }
    t.is(profilesIn(out).length, 2);
  });

  // Node.js 20 may not read even the file that it is told to preload, and ends before any of ours runs.
  if (Number(major) >= 22) {
    test(`Node.js ${major}: a program that may not read the profiler's files runs without it`, async (t) => {
      const folder = temporaryFolder(t, app);
      const end = await restricted(folder, []);
      t.deepEqual([end.code, end.stdout], [6, 'the program\n'], end.stderr);
      t.is(end.said.length, 1, end.stderr);
      t.true(end.said[0]?.includes(`with ${READ} and --allow-addons. The program runs without`), end.stderr);
      const words = [path, model, `--allow-fs-read=${join(folder, '*')}`, join(folder, 'app.js')];
      t.is((await everflame(['run', '--output', join(folder, 'out'), ...words])).code, 6);
    });
  }

  test(`Node.js ${major}: --no-addons is named where it keeps the native sampler out`, async (t) => {
    const folder = temporaryFolder(t);
    const end = await run(path, ['--no-addons', '--require', AUTO, '-e', 'process.exitCode = 6'], {
      env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
    });
    t.is(end.code, 6);
    t.regex(
      end.stderr,
      /^everflame: warn: .* loading addons is disabled\. Start it without --no-addons\.\n$/,
    );
    t.is(profilesIn(folder).length, 1);
  });
}
