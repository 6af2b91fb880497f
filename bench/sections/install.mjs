import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function sizeOf(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** The folders of a package's production dependencies and of theirs, as npm has installed them here. */
function dependencyFolders(folder, found = new Set()) {
  for (const name of Object.keys(manifest(folder).dependencies ?? {})) {
    const nested = join(folder, 'node_modules', name);
    const place = existsSync(nested) ? nested : join(ROOT, 'node_modules', name);
    if (found.has(place)) continue;
    found.add(place);
    dependencyFolders(place, found);
  }
  return found;
}

/** The size of the binary that a build has put into a folder, of the platform with the largest. */
function binaryIn(...folder) {
  const place = join(ROOT, 'native', ...folder);
  const binaries = readdirSync(place).filter((name) => name.endsWith('.node'));
  return Math.max(...binaries.map((name) => statSync(join(place, name)).size));
}

/** What an installation puts on a disk: our package, the two binaries of one platform, and the packages that it needs. */
export async function measureInstall() {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }),
  );
  const binary = binaryIn();
  const store = binaryIn('store');
  const dependencies = [...dependencyFolders(ROOT)].reduce((sum, place) => sum + sizeOf(place), 0);
  return {
    binaryMegabytes: binary / 1e6,
    storeMegabytes: store / 1e6,
    packageMegabytes: packed.unpackedSize / 1e6,
    dependenciesMegabytes: dependencies / 1e6,
    installMegabytes: (packed.unpackedSize + binary + store + dependencies) / 1e6,
  };
}
