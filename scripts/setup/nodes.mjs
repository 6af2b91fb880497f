import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Advice, mustRun, ROOT, run } from './commands.mjs';

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
  const { code, output } = await run(binary, ['--version']);
  return code === 0 && output.startsWith(`v${major}.`);
}

async function installNode(major) {
  // One folder holds one version: npm would replace the other.
  const folder = join(ROOT, '.cache', 'nodes', major);
  const binary = join(folder, 'node_modules', packageName(), 'bin', 'node');
  if (await isRelease(binary, major)) return binary;
  await mkdir(folder, { recursive: true });
  await mustRun('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    `${packageName()}@${major}`,
  ]);
  if (!(await isRelease(binary, major))) {
    throw new Advice(
      `${packageName()}@${major} was installed, but ${binary} is not a Node ${major} that runs here.`,
    );
  }
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
