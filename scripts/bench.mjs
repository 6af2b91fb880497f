import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HELP, readOptions, UsageError } from '../bench/options.mjs';
import { buildNative, buildTypeScript, installDependencies } from './setup/build.mjs';
import { Advice, BENCH, EXAMPLE, guardGroup, main, ROOT } from './setup/commands.mjs';
import { step } from './setup/progress.mjs';
import { checkTools } from './setup/tools.mjs';

/** Reads the options as bench/run.mjs will: a slip of the pen must not cost a build first. */
function check(args) {
  try {
    return readOptions(args);
  } catch (error) {
    throw error instanceof UsageError ? new Advice(error.message) : error;
  }
}

async function prepare() {
  // Standard output is for the tables.
  const lines = process.stderr;
  await checkTools();
  await step(
    'Installing dependencies',
    async () => {
      for (const folder of [ROOT, EXAMPLE, BENCH]) await installDependencies(folder);
    },
    lines,
  );
  await step('Building the native binary (some minutes the first time)', buildNative, lines);
  await step('Building the TypeScript', buildTypeScript, lines);
}

/** Prepares everything the benchmarks need, then hands its arguments on to bench/run.mjs. */
await main(async () => {
  const args = process.argv.slice(2);
  if (check(args).help) {
    console.log(HELP);
    return;
  }
  await prepare();
  // A group of its own, which ends with this script: what is measured is started by the child.
  const child = spawn(process.execPath, [join(BENCH, 'run.mjs'), ...args], {
    stdio: 'inherit',
    detached: true,
  });
  const unguard = guardGroup(child.pid);
  const [code] = await once(child, 'exit');
  unguard();
  process.exitCode = code ?? 1;
});
