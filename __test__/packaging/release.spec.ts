/** The packages as a release makes them and as npm puts them on a disk. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { libc, platformTuple } from '#src/native.js';
import { buildProfile } from '../support/build-profile.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { ROOT, run } from '../support/spawn.js';
import { openView } from '../support/view.js';

interface Manifest {
  name: string;
  version: string;
  main: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  napi: { targets: string[] };
}

const read = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest;
const STORE_CONFIG = join('crates', 'everflame-store-node', 'napi.json');
const tuple = platformTuple(libc()) ?? '';
const BINARIES = {
  everflame: join(ROOT, 'native', `everflame.${tuple}.node`),
  'everflame-store': join(ROOT, 'native', 'store', `everflame-store.${tuple}.node`),
};

/** A folder with what the release's commands read, and a binary for each platform: the real ones for this one. */
function releaseFolder(t: Parameters<typeof temporaryFolder>[0]): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, dirname(STORE_CONFIG)), { recursive: true });
  for (const file of ['package.json', STORE_CONFIG]) copyFileSync(join(ROOT, file), join(folder, file));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [binary, path] of Object.entries(BINARIES)) {
    for (const of of ['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl', 'linux-arm64-musl']) {
      const made = join(folder, 'artifacts', of, `${binary}.${of}.node`);
      mkdirSync(dirname(made), { recursive: true });
      if (of === tuple) copyFileSync(path, made);
      else writeFileSync(made, `${binary} for ${of}`);
    }
  }
  return folder;
}

/** The folders of the platform packages that the release's commands have made, by the names of the packages. */
function platformPackages(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const below of ['npm', join('npm', 'store')]) {
    for (const name of readdirSync(join(folder, below))) {
      const place = join(folder, below, name);
      if (existsSync(join(place, 'package.json'))) found.set(read(join(place, 'package.json')).name, place);
    }
  }
  return found;
}

test('a release makes a package of the sampler and one of the store for each platform, and the main one names them all', async (t) => {
  const folder = releaseFolder(t);
  const made = await run('npm', ['run', 'artifacts'], { cwd: folder });
  t.is(made.code, 0, made.stdout + made.stderr);
  const packages = platformPackages(folder);
  t.deepEqual([...packages.keys()].sort(), [
    'everflame-linux-arm64-gnu',
    'everflame-linux-arm64-musl',
    'everflame-linux-x64-gnu',
    'everflame-linux-x64-musl',
    'everflame-store-linux-arm64-gnu',
    'everflame-store-linux-arm64-musl',
    'everflame-store-linux-x64-gnu',
    'everflame-store-linux-x64-musl',
  ]);
  for (const [name, place] of packages) {
    const { main } = read(join(place, 'package.json'));
    const [, binary, of] = /^(.*?)-(linux-.*)$/.exec(name) as unknown as [
      string,
      keyof typeof BINARIES,
      string,
    ];
    t.is(main, `${binary}.${of}.node`);
    const expected = of === tuple ? readFileSync(BINARIES[binary]) : Buffer.from(`${binary} for ${of}`);
    t.true(readFileSync(join(place, main)).equals(expected), name);
  }

  // Every version in one, as `npm version` asks for.
  const versioned = await run('npm', ['version', '9.8.7', '--no-git-tag-version'], { cwd: folder });
  t.is(versioned.code, 0, versioned.stdout + versioned.stderr);
  for (const [name, place] of packages) t.is(read(join(place, 'package.json')).version, '9.8.7', name);

  // What `npm publish` does first, without the sending.
  const steps = read(join(folder, 'package.json')).scripts.prepublishOnly?.split(' && ') ?? [];
  const publishing = steps.filter((step) => step.startsWith('napi pre-publish'));
  for (const step of publishing) {
    const words = [...step.split(' ').slice(1), '--skip-optional-publish'];
    const done = await run(join(ROOT, 'node_modules', '.bin', 'napi'), words, { cwd: folder });
    t.is(done.code, 0, done.stdout + done.stderr);
  }
  const { optionalDependencies } = read(join(folder, 'package.json'));
  t.deepEqual(optionalDependencies, Object.fromEntries([...packages.keys()].map((name) => [name, '9.8.7'])));
});

test('what npm installs samples a program and shows its profile, without the checkout', async (t) => {
  const folder = releaseFolder(t);
  const made = await run('npm', ['run', 'artifacts'], { cwd: folder });
  t.is(made.code, 0, made.stdout + made.stderr);
  const packed = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  t.is(packed.code, 0, packed.stderr);
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  const app = join(folder, 'app');
  const modules = join(app, 'node_modules');
  mkdirSync(join(modules, 'everflame'), { recursive: true });
  const into = ['-C', join(modules, 'everflame'), '--strip-components', '1'];
  t.is((await run('tar', ['-xzf', join(folder, archive), ...into])).code, 0);
  for (const [name, place] of platformPackages(folder))
    cpSync(place, join(modules, name), { recursive: true });
  // The packages that ours needs, and those that they need in turn, lie beside it.
  for (const entry of readdirSync(join(ROOT, 'node_modules'))) {
    if (!entry.startsWith('.') && !existsSync(join(modules, entry))) {
      symlinkSync(join(ROOT, 'node_modules', entry), join(modules, entry));
    }
  }

  const command = join(modules, 'everflame', 'dist', 'src', 'cli', 'main.js');
  const script = 'const end = Date.now() + 300; while (Date.now() < end);';
  const ran = await run(
    process.execPath,
    [command, 'run', '--output', join(app, 'out'), '--', process.execPath, '-e', script],
    { cwd: app },
  );
  t.is(ran.code, 0, ran.stderr);
  t.notRegex(ran.stderr, /inspector/, 'the native engine');
  const [profile] = profilesIn(join(app, 'out'));
  t.truthy(profile, ran.stderr);

  const file = join(app, 'known.pprof');
  const types: [string, string][] = [['cpu', 'nanoseconds']];
  buildProfile(file, types, [
    { values: [7e6], stack: [{ name: 'main', file: '/app/main.js', line: 9, startLine: 1 }] },
  ]);
  const view = await openView(t, ['view', '--port', '0', '--no-open', file], { cwd: app }, command);
  const all = `service=known.pprof&from=0&to=${Date.now() + 1000}`;
  t.is((await view.json<{ total: number }>(`/table?${all}&by=function`)).total, 7e6);
  const page = await fetch(view.url);
  t.regex(await page.text(), /<title>/);
});
