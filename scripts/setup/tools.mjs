import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Advice, ROOT, run } from './commands.mjs';

/** What a build runs, of all that development needs. */
const BUILD_PACKAGES = ['@napi-rs/cli', 'typescript'];

async function versionOf(command, ...args) {
  const { stdout, missing, code } = await run(command, [...args, '--version']);
  return missing || code !== 0 ? undefined : stdout.match(/\d+\.\d+(\.\d+)?/)?.[0];
}

/** Whether a release comes before another, each as numbers with points between. */
export function isOlder(version, wanted) {
  return version.localeCompare(wanted, 'en', { numeric: true }) < 0;
}

/** The oldest Rust release that builds the workspace, as Cargo.toml says. */
function oldestRust() {
  return readFileSync(join(ROOT, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.+)"/m)[1];
}

/**
 * Whether a release is one of a package's range, as `^20.19 || >=25`. Other forms than these two are not judged here:
 * npm warns of them.
 */
export function satisfies(version, range) {
  const major = version.split('.')[0];
  return range.split('||').some((part) => {
    const [, operator, wanted] = part.trim().match(/^(\^|>=)\s*v?(\d+(?:\.\d+){0,2})$/) ?? [];
    if (operator === undefined) return true;
    if (operator === '^' && wanted.split('.')[0] !== major) return false;
    return !isOlder(version, wanted);
  });
}

/**
 * The packages that do not run on this Node.js, by what the lock file says of them: they are not installed yet, and what
 * npm only warns of fails later without a reason.
 */
function unsuitedNode(names) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return names.flatMap((name) => {
    const range = packages[`node_modules/${name}`]?.engines?.node;
    if (range === undefined || satisfies(process.versions.node, range)) return [];
    return [`Node.js ${range} is needed by ${name}; this is ${process.version}. See https://nodejs.org.`];
  });
}

/** What only the checks of `npm test` need. */
async function missingLinters() {
  const versions = await Promise.all([versionOf('cargo', 'fmt'), versionOf('cargo', 'clippy')]);
  const missing = ['rustfmt', 'clippy'].filter((_name, index) => versions[index] === undefined);
  if (missing.length === 0) return [];
  return [`The checks need ${missing.join(' and ')}: run "rustup component add ${missing.join(' ')}".`];
}

/**
 * Checks what a build from a fresh clone needs: Node.js, npm, a Rust toolchain and a C compiler.
 * @param {{ forTests?: boolean }} [options] `forTests`: also what formats, lints and runs the tests
 * @throws {Advice} naming everything that is missing, and how to install it
 */
export async function checkTools({ forTests = false } = {}) {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const problems = unsuitedNode(forTests ? Object.keys(devDependencies) : BUILD_PACKAGES);
  const wantedRust = oldestRust();
  const [cargo, rustc, npm, cc] = await Promise.all(
    ['cargo', 'rustc', 'npm', 'cc'].map((command) => versionOf(command)),
  );
  if (cargo === undefined || rustc === undefined) {
    problems.push(
      `A Rust toolchain (cargo and rustc, ${wantedRust} or newer) is needed to build the native part. ` +
        'Install it from https://rustup.rs, open a new shell, and run this command again.',
    );
  } else if (isOlder(rustc, wantedRust)) {
    problems.push(`Rust ${wantedRust} or newer is needed; this is ${rustc}. Run "rustup update stable".`);
  } else if (forTests) problems.push(...(await missingLinters()));
  if (npm === undefined) problems.push('npm is needed; it comes with Node.js.');
  if (cc === undefined) {
    problems.push(
      'A C compiler and linker ("cc") are needed: on Debian and Ubuntu "apt-get install gcc libc6-dev".',
    );
  }
  if (problems.length > 0) throw new Advice(problems.join('\n'));
}
