import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { mustRun, ROOT } from './commands.mjs';

const NATIVE_SOURCES = ['Cargo.toml', 'Cargo.lock', 'crates'];
const TYPESCRIPT_SOURCES = [
  'index.ts',
  'src',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'native/index.d.ts',
];

/** The latest modification time, in milliseconds, of a file or of anything in a folder; 0 where there is nothing. */
function newestChange(path) {
  if (!existsSync(path)) return 0;
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function newestOf(paths) {
  return Math.max(...paths.map((path) => newestChange(join(ROOT, path))));
}

function nativeBinaries() {
  const folder = join(ROOT, 'native');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.node'))
    .map((name) => join('native', name));
}

/**
 * Installs a folder's locked dependencies when they are missing or older than its lock file.
 * @returns {Promise<boolean>} whether anything had to be installed
 */
export async function installDependencies(folder) {
  const installed = newestChange(join(folder, 'node_modules', '.package-lock.json'));
  if (installed >= newestChange(join(folder, 'package-lock.json'))) return false;
  await mustRun('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
  return true;
}

/** Builds the native binary when a Rust source is newer than it. */
export async function buildNative() {
  const binaries = nativeBinaries();
  const stale = binaries.length === 0 || newestOf(binaries) < newestOf(NATIVE_SOURCES);
  if (stale) await mustRun('npm', ['run', '--silent', 'build:native']);
  return stale;
}

/** Compiles the TypeScript when a source is newer than what was compiled last. */
export async function buildTypeScript() {
  const stale = newestChange(join(ROOT, 'dist')) < newestOf(TYPESCRIPT_SOURCES);
  if (stale) await mustRun('npm', ['run', '--silent', 'build:ts']);
  return stale;
}

/** A path as a reader of the terminal wants it: from the repository's root. */
export function fromRoot(path) {
  return relative(ROOT, path);
}
