import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../setup/commands.mjs';
import { cleanEnvironment } from '../setup/environment.mjs';
import { report } from './profile.mjs';

const PROGRAM = join(ROOT, 'scripts', 'smoke', 'store.cjs');

/**
 * Has a program keep the profiles of a folder in a store of its own and ask for them; reports one test.
 * @param {{ number: number, node: string[], version: string, binary: string, folder: string }} options `node` is the command
 *   that runs Node.js, `version` what the program says of it, `folder` where `reportSmokeProfile` has left a profile
 */
export async function reportSmokeStore({ number, node, version, binary, folder }) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wall.pprof'));
  const store = join(folder, 'store');
  await rm(store, { recursive: true, force: true });
  const [command, ...args] = node;
  const files = names.map((name) => join(folder, name));
  const { code, output } = await run(command, [...args, PROGRAM, binary, store, ...files], {
    env: cleanEnvironment(),
    timeoutSeconds: 180,
  });
  const ok = code === 0 && files.length > 0 && output.trim() === `${version}: mixNumbers`;
  report(number, ok, `the store keeps and finds a profile on ${version}`, output);
}
