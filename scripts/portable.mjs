// Builds the binary as releases carry it, for every glibc from 2.28 on, and shows that it is what it says:
// `npm run build:portable`. The result lies in .cache/portable/.
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Advice, main, mustRun, ROOT, run } from './setup/commands.mjs';
import { installTestNodes } from './setup/nodes.mjs';
import { report, reportSmokeProfile } from './smoke/profile.mjs';

/** What official builds of Node.js ask for themselves: a lower floor would serve nobody. */
const GLIBC = '2.28';
const TARGET = 'x86_64-unknown-linux-gnu';
const CACHE = join(ROOT, '.cache', 'portable');
const TOOLS = join(CACHE, 'tools');
/** A linker that knows the symbols of every glibc, and how cargo uses it. */
const PACKAGES = ['ziglang==0.14.1', 'cargo-zigbuild==0.24.1'];
const LARGEST_MEGABYTES = 2.5;
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

async function build() {
  const folder = join(ROOT, 'target', 'portable');
  const zigbuild = join(TOOLS, 'bin', 'cargo-zigbuild');
  const args = ['--locked', '--release', '-p', 'everflame-node', '--target', `${TARGET}.${GLIBC}`];
  await mustRun(zigbuild, ['zigbuild', ...args, '--target-dir', folder], {
    env: { PYTHONPATH: TOOLS, CARGO_ZIGBUILD_ZIG_PATH: join(TOOLS, 'ziglang', 'zig') },
    timeoutSeconds: 1500,
  });
  const binary = join(CACHE, 'everflame.linux-x64-gnu.node');
  await copyFile(join(folder, TARGET, 'release', 'libeverflame_node.so'), binary);
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
  const binary = await build();
  const needed = await neededGlibc(binary);
  const fits = needed.localeCompare(GLIBC, 'en', { numeric: true }) <= 0;
  report(1, fits, `the binary needs no glibc newer than ${GLIBC}`, `It needs ${needed}.`);
  const megabytes = (await stat(binary)).size / 1e6;
  const small = megabytes <= LARGEST_MEGABYTES;
  report(
    2,
    small,
    `it has at most ${LARGEST_MEGABYTES} MB: ${megabytes.toFixed(2)}`,
    'Look at what was added last.',
  );
  let first = 3;
  for (const entry of (await installTestNodes()).split(',')) {
    const [major, node] = entry.split('=');
    const folder = join(CACHE, 'profiles', major);
    await reportSmokeProfile({ first, node: [node], version: `x64 v${major}.`, binary, folder });
    first += 3;
  }
});
