import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../setup/commands.mjs';
import { cleanEnvironment } from '../setup/environment.mjs';
import { cpuByFunction } from '../setup/everflame.mjs';

const PRELOAD = join(ROOT, 'dist', 'src', 'auto.js');
const WORKLOAD = join(ROOT, 'scripts', 'smoke', 'workload.cjs');
/** The function of the workload that burns the CPU time. */
const HOT_FUNCTION = 'mixNumbers';

/** Prints one line of TAP, and the detail where it is not ok. */
export function report(number, ok, title, detail) {
  console.log(`${ok ? 'ok' : 'not ok'} ${number} - ${title}`);
  if (ok) return;
  console.log(detail.trimEnd().replaceAll(/^/gm, '# '));
  process.exitCode = 1;
}

/**
 * Runs the workload with the preload and a binary, and reads the profile that it leaves; reports three tests.
 * @param {{ first: number, node: string[], version: string, binary: string, folder: string, engine?: string }} options
 *   `node` is the command that runs Node.js, `version` what the workload says of it, `first` the first test's number
 */
export async function reportSmokeProfile({ first, node, version, binary, folder, engine = 'auto' }) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const [command, ...args] = node;
  const { code, output } = await run(command, [...args, '--require', PRELOAD, WORKLOAD], {
    env: {
      ...cleanEnvironment(),
      NAPI_RS_NATIVE_LIBRARY_PATH: binary,
      EVERFLAME_ENGINE: engine,
      DD_PROFILING_OUTPUT_PPROF: join(folder, 'smoke'),
    },
    timeoutSeconds: 180,
  });
  const files = (await readdir(folder)).filter((name) => name.endsWith('.wall.pprof'));
  report(
    first,
    code === 0 && output.startsWith(version),
    `the program runs on ${version} with its own exit code`,
    output,
  );
  report(
    first + 1,
    files.length === 1 && !output.includes("V8's own profiler is used"),
    'one profile is written, by the native sampler',
    `${files.length} profiles were written.\n${output}`,
  );
  if (files.length === 0) return;
  const [most] = (await cpuByFunction(files.map((name) => join(folder, name)))).rows;
  // Emulation slows the sampler's own work and V8's compilers by far more than the loop: no share is asked for.
  report(
    first + 2,
    most?.name === HOT_FUNCTION,
    'the function that burned the CPU is the first of the profile',
    `The first function is ${most?.name ?? 'missing'}.\n${output}`,
  );
}
