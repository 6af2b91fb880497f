import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../package-root';
import { dependencyFolder, isInModules } from './dependency-folder';
import { type Manifest, readManifest } from './manifest';
import { type Folder, foldersIn, pathOf } from './source-name';

/** What is asked of the disk: each question once. */
export interface Disk {
  /** The package.json in a folder. */
  manifest(folder: string): Manifest | undefined;
  /** A folder's path without links; undefined where it is not there. */
  realPath(folder: string): string | undefined;
}

export const disk: Disk = {
  manifest: (folder) => readManifest(join(folder, 'package.json')),
  realPath(folder) {
    try {
      return realpathSync.native(folder);
    } catch {
      return undefined;
    }
  },
};

/** A package at one place. */
export interface PackageRoot {
  /** Its folder, as profiles have it, with a slash at the end. */
  prefix: string;
  name: string;
  /** Empty where it is not known. */
  version: string;
  isOwn: boolean;
}

const IN_MODULES = /[\\/]node_modules[\\/]/;

/** Finds the packages that folders belong to, and remembers all it was told by the disk. */
export class PackageFinder {
  private readonly found = new Map<string, PackageRoot | undefined>();
  private readonly manifests = new Map<string, Manifest | undefined>();
  private readonly realPaths = new Map<string, string | undefined>();

  /** `profiler` is the profiler's own folder: it is nobody's own code, also where it runs from a checkout. */
  constructor(
    private readonly disk: Disk,
    private readonly profiler = packageRoot,
  ) {}

  /** How many answers are kept. */
  get size(): number {
    return this.found.size + this.manifests.size + this.realPaths.size;
  }

  /** What `find` has answered before; undefined also where it has not been asked. */
  findKnown(prefix: string): PackageRoot | undefined {
    return this.found.get(prefix);
  }

  /** The package of the files in a folder; undefined where there is none. */
  find(prefix: string): PackageRoot | undefined {
    if (this.found.has(prefix)) return this.found.get(prefix);
    const folders = foldersIn(prefix);
    const package_ = isInModules(folders) ? this.dependency(folders) : this.own(folders);
    // All folders of a package share what is known of it.
    const known = package_ && (this.found.get(package_.prefix) ?? package_);
    if (known) this.found.set(known.prefix, known);
    this.found.set(prefix, known);
    return known;
  }

  private dependency(folders: Folder[]): PackageRoot | undefined {
    const dependency = dependencyFolder(folders);
    if (!dependency) return undefined;
    const { modules, name, version = '' } = dependency;
    // pnpm's linker of Yarn and tools that generate code keep theirs in folders that begin with a dot.
    const root = name.startsWith('.') ? this.rootInStore(folders, dependency.root) : dependency.root;
    const [at, above] = [folders[root], folders[modules]];
    if (!at || !above) return undefined;
    const manifest = this.manifest(at.prefix);
    return {
      prefix: at.prefix,
      name: manifest?.name ?? name,
      version: manifest?.version ?? version,
      isOwn: this.isLinkedFromOutside(at.prefix, above.prefix),
    };
  }

  private rootInStore(folders: Folder[], store: number): number {
    for (let place = folders.length - 1; place > store; place--) {
      if (this.manifest(folders[place]?.prefix ?? '')?.name !== undefined) return place;
    }
    return store;
  }

  /** Whether it is a link out of `node_modules`, as package managers make one for a package of the same workspace. */
  private isLinkedFromOutside(root: string, modules: string): boolean {
    const path = this.realPath(root);
    const folder = this.realPath(modules);
    if (path === undefined || folder === undefined) return false;
    // Where `node_modules` itself is the link, its packages are as good as in it.
    return !path.startsWith(join(folder, '/')) && !IN_MODULES.test(path);
  }

  private own(folders: Folder[]): PackageRoot | undefined {
    let unnamed: Folder | undefined;
    for (const folder of folders.toReversed()) {
      const manifest = this.manifest(folder.prefix);
      if (manifest?.name !== undefined) return this.ownAt(folder, manifest.name, manifest);
      if (manifest?.isPackage) unnamed ??= folder;
    }
    if (!unnamed) return undefined;
    const path = pathOf(unnamed.prefix) ?? unnamed.prefix;
    return this.ownAt(unnamed, basename(path), this.manifest(unnamed.prefix));
  }

  private ownAt({ prefix }: Folder, name: string, manifest: Manifest | undefined): PackageRoot {
    const isProfiler = pathOf(prefix) === join(this.profiler, '/');
    return { prefix, name, version: manifest?.version ?? '', isOwn: !isProfiler };
  }

  private manifest(prefix: string): Manifest | undefined {
    return remembered(this.manifests, prefix, (path) => this.disk.manifest(path));
  }

  private realPath(prefix: string): string | undefined {
    return remembered(this.realPaths, prefix, (path) => this.disk.realPath(path));
  }
}

/** An answer about a folder on the disk; by prefix, since two of them may be spelled differently. */
function remembered<Answer>(
  answers: Map<string, Answer | undefined>,
  prefix: string,
  ask: (path: string) => Answer | undefined,
): Answer | undefined {
  if (answers.has(prefix)) return answers.get(prefix);
  const path = pathOf(prefix);
  const answer = path === undefined ? undefined : ask(path);
  answers.set(prefix, answer);
  return answer;
}
