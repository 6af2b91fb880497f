import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildNative, buildTypeScript, installDependencies } from './setup/build.mjs';
import { main, ROOT } from './setup/commands.mjs';
import { checkTools } from './setup/tools.mjs';

/** Prepares everything the benchmarks need, then hands its arguments on to bench/run.mjs. */
await main(async () => {
  await checkTools();
  await installDependencies(ROOT);
  await buildNative();
  await buildTypeScript();
  await installDependencies(join(ROOT, 'examples', 'getting-started'));
  await installDependencies(join(ROOT, 'bench'));
  const child = spawn(process.execPath, [join(ROOT, 'bench', 'run.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
});
