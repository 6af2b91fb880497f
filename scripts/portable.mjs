// Builds the binaries as releases carry them, for every glibc from 2.28 on, and shows that they are what they say:
// `npm run build:portable`. The result lies in .cache/portable/.
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Advice, main, mustRun, ROOT, run } from './setup/commands.mjs';
import { installTestNodes } from './setup/nodes.mjs';
import { report, reportSmokeProfile } from './smoke/profile.mjs';
import { reportSmokeStore } from './smoke/store.mjs';

/** What official builds of Node.js ask for themselves: a lower floor would serve nobody. */
const GLIBC = '2.28';
const TARGET = 'x86_64-unknown-linux-gnu';
const CACHE = join(ROOT, '.cache', 'portable');
const TOOLS = join(CACHE, 'tools');
/** A linker that knows the symbols of every glibc, and how cargo uses it. */
const PACKAGES = ['ziglang==0.14.1', 'cargo-zigbuild==0.24.1'];
/** The binaries: the crate of each, its file, and how large it may be. */
const SAMPLER = { crate: 'everflame-node', file: 'everflame.linux-x64-gnu.node', megabytes: 2.5 };
const STORE = { crate: 'everflame-store-node', file: 'everflame-store.linux-x64-gnu.node', megabytes: 3 };
const TESTS = 'a binary for older C libraries';

/** Installs the tools below .cache; resolves with why that cannot be, or undefined. */
async function installTools() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `it is built on Linux on x64; this is ${process.platform} on ${process.arch}`;
  }
  const { missing, code, output } = await run('python3', [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--target',
    TOOLS,
    '--upgrade',
    ...PACKAGES,
  ]);
  if (missing || output.includes('No module named pip')) {
    return 'Python with pip is missing; on Debian and Ubuntu: apt-get install python3-pip';
  }
  if (code !== 0) return `pip could not install ${PACKAGES.join(' ')}: ${output.trim().split('\n').at(-1)}`;
  return undefined;
}

async function build({ crate, file }) {
  const folder = join(ROOT, 'target', 'portable');
  const zigbuild = join(TOOLS, 'bin', 'cargo-zigbuild');
  const args = ['--locked', '--release', '-p', crate, '--target', `${TARGET}.${GLIBC}`];
  await mustRun(zigbuild, ['zigbuild', ...args, '--target-dir', folder], {
    env: { PYTHONPATH: TOOLS, CARGO_ZIGBUILD_ZIG_PATH: join(TOOLS, 'ziglang', 'zig') },
    timeoutSeconds: 1500,
  });
  const binary = join(CACHE, file);
  await copyFile(join(folder, TARGET, 'release', `lib${crate.replaceAll('-', '_')}.so`), binary);
  return binary;
}

/**
 * The newest version of glibc that the binary names. Versions of symbols stand in its string table (elf(5)), each with
 * the zero byte that ends a string there; a string elsewhere that looks like one could only make this too new.
 */
async function neededGlibc(binary) {
  const text = await readFile(binary, 'latin1');
  const versions = [...text.matchAll(/GLIBC_(\d+(?:\.\d+)*)\0/g)].map(([, version]) => version);
  if (versions.length === 0)
    throw new Advice(`${binary} names no version of glibc: it is not what was built.`);
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

await main(async () => {
  await mkdir(CACHE, { recursive: true });
  const reason = await installTools();
  if (reason !== undefined) {
    console.log(`ok 1 - ${TESTS} # SKIP ${reason}`);
    return;
  }
  let number = 0;
  const next = (count) => {
    const first = number + 1;
    number += count;
    return first;
  };
  const binaries = [];
  for (const kind of [SAMPLER, STORE]) {
    const binary = await build(kind);
    binaries.push(binary);
    const needed = await neededGlibc(binary);
    const fits = needed.localeCompare(GLIBC, 'en', { numeric: true }) <= 0;
    report(next(1), fits, `${kind.file} needs no glibc newer than ${GLIBC}`, `It needs ${needed}.`);
    const megabytes = (await stat(binary)).size / 1e6;
    const small = megabytes <= kind.megabytes;
    const title = `it has at most ${kind.megabytes} MB: ${megabytes.toFixed(2)}`;
    report(next(1), small, title, 'Look at what was added last.');
  }
  const [sampler, store] = binaries;
  for (const entry of (await installTestNodes()).split(',')) {
    const [major, node] = entry.split('=');
    const folder = join(CACHE, 'profiles', major);
    const version = `x64 v${major}.`;
    await reportSmokeProfile({ first: next(3), node: [node], version, binary: sampler, folder });
    await reportSmokeStore({ number: next(1), node: [node], version, binary: store, folder });
  }
});
