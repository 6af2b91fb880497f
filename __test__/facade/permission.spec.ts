import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, totalsByLabel } from '../support/pprof.js';
import { AUTO, everflame, ROOT, run } from '../support/spawn.js';

const READ = `--allow-fs-read=${join(ROOT, '*')}`;

/** Burns CPU time in the main thread and in a worker. */
const APP = `
  const { isMainThread, Worker } = require('node:worker_threads');
  ${BURN}
  if (isMainThread) new Worker(__filename);
  burn(100);`;

/** The file of this package's binary, and the package that it is installed in. */
const BINARY =
  readdirSync(join(ROOT, 'native')).find((name) => name.includes(`linux-${process.arch}-`)) ?? '';
const PLATFORM_PACKAGE = BINARY.replace(/^everflame\.(.*)\.node$/, 'everflame-$1');

/** Where package managers put packages: all beside one another, or each in a place of its own behind links. */
const LAYOUTS = {
  npm: (name: string) => name,
  pnpm: (name: string) => join('.pnpm', `${name}@1.0.0`, 'node_modules', name),
};

/** Installs the package below a folder, with its binary and what it depends on; returns the file of its preload. */
function install(folder: string, placeOf: (name: string) => string): string {
  const { dependencies, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    files: string[];
  };
  const modules = join(folder, 'node_modules');
  const placed = (name: string): string => {
    const place = join(modules, placeOf(name));
    mkdirSync(place, { recursive: true });
    return place;
  };
  const own = placed('everflame');
  for (const name of ['package.json', ...files])
    cpSync(join(ROOT, name), join(own, name), { recursive: true });
  const platform = placed(PLATFORM_PACKAGE);
  cpSync(join(ROOT, 'native', BINARY), join(platform, BINARY));
  writeFileSync(join(platform, 'package.json'), JSON.stringify({ name: PLATFORM_PACKAGE, main: BINARY }));
  for (const name of Object.keys(dependencies))
    cpSync(join(ROOT, 'node_modules', name), placed(name), { recursive: true });
  for (const name of [PLATFORM_PACKAGE, ...Object.keys(dependencies)]) {
    const beside = join(dirname(own), name);
    if (beside === join(modules, placeOf(name))) continue;
    // Of a package with a scope.
    mkdirSync(dirname(beside), { recursive: true });
    symlinkSync(join(modules, placeOf(name)), beside);
  }
  return join(own, 'dist', 'src', 'auto.js');
}

/** The flags that a line says to start with; it names the folder of the profiles, or leaves it open. */
function flagsIn(line: string, folder: string): string[] {
  const remedy = /\. Start (?:it|Node\.js) with (.*?)(?:, or |\. )/.exec(line)?.[1] ?? '';
  return remedy.split(' ').flatMap((word) => (word.startsWith('--') ? word.replace('<dir>', folder) : []));
}

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

  test.serial(
    `Node.js ${major}: where the permission model forbids addons, one line names the flags`,
    async (t) => {
      const folder = temporaryFolder(t, app);
      const end = await restricted(folder, [READ]);
      t.deepEqual([end.code, end.stdout], [6, 'the program\n'], end.stderr);
      t.is(end.said.length, 1, end.stderr);
      t.true(
        end.said[0]?.includes(
          `. Start it with --allow-addons ${READ} and, for the profiles, --allow-fs-write=${join(folder, 'out', '*')}`,
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
    },
  );

  test.serial(
    `Node.js ${major}: a folder that the permission model keeps from the profiler has its flag named`,
    async (t) => {
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
    },
  );

  test.serial(`Node.js ${major}: with the flags that the lines name, a profile is written`, async (t) => {
    const folder = temporaryFolder(t, app);
    const end = await restricted(folder, [
      READ,
      '--allow-addons',
      `--allow-fs-write=${join(folder, 'out', '*')}`,
    ]);
    t.deepEqual([end.code, end.said], [6, []], end.stderr);
    t.is(profilesIn(join(folder, 'out')).length, 1);
  });

  for (const [layout, placeOf] of Object.entries(LAYOUTS)) {
    /** Runs with few flags, then with those that the line names too; the second run has nothing to say and a profile. */
    async function follow(
      t: ExecutionContext,
      flags: (own: string, out: string) => string[],
      env: Record<string, string> = {},
    ) {
      const folder = temporaryFolder(t, { 'app.js': APP });
      const out = join(folder, 'out');
      const preload = install(folder, placeOf);
      const few = [model, '--allow-worker', `--allow-fs-read=${join(folder, 'app.js')}`];
      few.push(...flags(join(preload, '..', '..', '..', '*'), join(out, '*')));
      const started = async (more: string[]): Promise<string[]> => {
        const { code, stderr } = await run(path, [...few, ...more, '--require', preload, 'app.js'], {
          cwd: folder,
          env: { DD_PROFILING_OUTPUT_PPROF: join(out, 'p'), ...env },
        });
        t.is(code, 0, stderr);
        return stderr.split('\n').filter((line) => line.startsWith('everflame:'));
      };
      const [line = '', ...rest] = await started([]);
      t.deepEqual([rest, profilesIn(out)], [[], []], line);
      t.deepEqual(await started(flagsIn(line, out)), [], line);
      const profiles = profilesIn(out).map(readProfile);
      t.is(profiles.length, 1);
      const wall = totalsByLabel(profiles, 'wall', 'thread name');
      for (const thread of ['Main Event Loop', 'Worker #1 Event Loop'])
        t.true((wall.get(thread) ?? 0) > 0, thread);
    }

    const title = `Node.js ${major}: as ${layout} installs it, the package is at work with the flags that one line names`;
    test.serial(`${title}, where its own files may be read`, (t) =>
      follow(t, (own) => [`--allow-fs-read=${own}`]),
    );
    test.serial(`${title}, where its own files may be read and addons loaded`, (t) =>
      follow(t, (own) => [`--allow-fs-read=${own}`, '--allow-addons']),
    );
    // Node.js 20 ends before a line, as below.
    if (Number(major) >= 22)
      test.serial(`${title}, where nothing of it may be read`, (t) => follow(t, () => []));
    // The first that can allow the inspector at all.
    if (Number(major) >= 24)
      test.serial(`${title}, with the inspector engine`, (t) =>
        follow(
          t,
          (own, out) => [`--allow-fs-read=${own}`, `--allow-fs-read=${out}`, `--allow-fs-write=${out}`],
          { EVERFLAME_ENGINE: 'inspector' },
        ),
      );
  }

  test.serial(
    `Node.js ${major}: the last line of a run counts profiles of a process that may not write its report`,
    async (t) => {
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
    },
  );

  // Node.js 20 may not read even the file that it is told to preload, and ends before any of ours runs.
  if (Number(major) >= 22) {
    test.serial(
      `Node.js ${major}: a program that may not read the profiler's files runs without it`,
      async (t) => {
        const folder = temporaryFolder(t, app);
        const end = await restricted(folder, []);
        t.deepEqual([end.code, end.stdout], [6, 'the program\n'], end.stderr);
        t.is(end.said.length, 1, end.stderr);
        t.true(
          end.said[0]?.includes(`with --allow-addons ${READ} and, for the profiles in <dir>, `),
          end.stderr,
        );
        const words = [path, model, `--allow-fs-read=${join(folder, '*')}`, join(folder, 'app.js')];
        t.is((await everflame(['run', '--output', join(folder, 'out'), ...words])).code, 6);
      },
    );
  }

  test.serial(`Node.js ${major}: --no-addons is named where it keeps the native sampler out`, async (t) => {
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
