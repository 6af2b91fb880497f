import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, mustRun, ROOT, run } from './commands.mjs';
import { makeWhole } from './whole-folder.mjs';

/** The releases that one binary file must serve, each tested end to end. */
export const TESTED_NODES = ['20', '22', '24', '26'];

function packageName() {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new Advice(
      `The test Nodes are packages for Linux on x64 and arm64; this is ${process.platform} on ${process.arch}.`,
    );
  }
  return `node-linux-${process.arch}`;
}

async function isRelease(binary, major) {
  if (!existsSync(binary)) return false;
  // A file that cannot be run is none; the reason does not matter here.
  const { code, output } = await run(binary, ['--version']).catch(() => ({ code: 1, output: '' }));
  return code === 0 && output.startsWith(`v${major}.`);
}

/** One folder holds one version: npm would replace the other, and takes one that it left half unpacked for installed. */
async function installNode(major) {
  const folder = join(ROOT, '.cache', 'nodes', major);
  const binaryIn = (prefix) => join(prefix, 'node_modules', packageName(), 'bin', 'node');
  const binary = binaryIn(folder);
  if (await isRelease(binary, major)) return binary;
  await makeWhole(folder, async (installing) => {
    const name = `${packageName()}@${major}`;
    await mustRun('npm', ['install', '--prefix', installing, '--no-audit', '--no-fund', name]);
    if (!(await isRelease(binaryIn(installing), major))) {
      throw new Advice(`${name} was installed, but it is not a Node ${major} that runs here.`);
    }
  });
  return binary;
}

/**
 * Installs each tested Node release under .cache/nodes/ unless it is there.
 * @returns {Promise<string>} the value of EVERFLAME_TEST_NODES: `20=<path>,22=<path>,…`
 */
export async function installTestNodes() {
  const found = [];
  for (const major of TESTED_NODES) found.push(`${major}=${await installNode(major)}`);
  return found.join(',');
}
