import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { mustRun, ROOT } from './commands.mjs';

const WORKSPACE = ['Cargo.toml', 'Cargo.lock', '.cargo'];
/** The binaries: the folder of each, what it is made from, and the script that makes it. */
const BINARIES = [
  {
    folder: 'native',
    sources: [...WORKSPACE, 'crates/everflame-core', 'crates/everflame-node'],
    script: 'build:native',
  },
  {
    folder: 'native/store',
    sources: [...WORKSPACE, 'crates/everflame-store', 'crates/everflame-store-node'],
    script: 'build:store',
  },
];
const TYPESCRIPT_SOURCES = [
  'index.ts',
  'src',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'native/index.d.ts',
  'native/store/index.d.ts',
];
const VIEWER_SOURCES = ['viewer', 'package-lock.json'];

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

function binariesIn(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.node'))
    .map((name) => join(folder, name));
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

/** Builds each native binary of which a source is newer than it. */
export async function buildNative() {
  const stale = BINARIES.filter(({ folder, sources }) => {
    const binaries = binariesIn(folder);
    return binaries.length === 0 || newestOf(binaries) < newestOf(sources);
  });
  // Both at once: most of the time goes to a linker, which uses one core.
  await Promise.all(stale.map(({ script }) => mustRun('npm', ['run', '--silent', script])));
  return stale.length > 0;
}

/** Compiles the TypeScript when a source is newer than what was compiled last. */
export async function buildTypeScript() {
  // Not all of dist/: the page that is built there says nothing of this.
  const compiled = newestOf(['dist/index.js', 'dist/src']);
  const stale = compiled < newestOf(TYPESCRIPT_SOURCES);
  if (stale) await mustRun('npm', ['run', '--silent', 'build:ts']);
  return stale;
}

/** Builds the page when one of its sources is newer than what was built last. */
export async function buildViewer() {
  const stale = newestChange(join(ROOT, 'dist', 'viewer')) < newestOf(VIEWER_SOURCES);
  if (stale) await mustRun('npm', ['run', '--silent', 'build:viewer']);
  return stale;
}

/** A path as a reader of the terminal wants it: from the repository's root. */
export function fromRoot(path) {
  return relative(ROOT, path);
}
