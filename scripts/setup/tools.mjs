import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, ROOT, run } from './commands.mjs';

const OLDEST_NODE = 20;

async function versionOf(command) {
  const { output, missing, code } = await run(command, ['--version']);
  return missing || code !== 0 ? undefined : output.match(/\d+\.\d+(\.\d+)?/)?.[0];
}

function isOlder(version, wanted) {
  return version.localeCompare(wanted, 'en', { numeric: true }) < 0;
}

/** The oldest Rust release that builds the workspace, as Cargo.toml says. */
function oldestRust() {
  return readFileSync(join(ROOT, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.+)"/m)[1];
}

/**
 * Checks what a build from a fresh clone needs: Node.js, npm, a Rust toolchain and a C compiler.
 * @throws {Advice} naming everything that is missing, and how to install it
 */
export async function checkTools() {
  const problems = [];
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    problems.push(`Node.js ${OLDEST_NODE} or newer is needed; this is ${process.version}.`);
  }
  const wantedRust = oldestRust();
  const [cargo, rustc, npm, cc] = await Promise.all(['cargo', 'rustc', 'npm', 'cc'].map(versionOf));
  if (cargo === undefined || rustc === undefined) {
    problems.push(
      `A Rust toolchain (cargo and rustc, ${wantedRust} or newer) is needed to build the native part. ` +
        'Install it from https://rustup.rs, open a new shell, and run this command again.',
    );
  } else if (isOlder(rustc, wantedRust)) {
    problems.push(`Rust ${wantedRust} or newer is needed; this is ${rustc}. Run "rustup update stable".`);
  }
  if (npm === undefined) problems.push('npm is needed; it comes with Node.js.');
  if (cc === undefined) {
    problems.push(
      'A C compiler and linker ("cc") are needed: on Debian and Ubuntu "apt-get install gcc libc6-dev".',
    );
  }
  if (problems.length > 0) throw new Advice(problems.join('\n'));
}
