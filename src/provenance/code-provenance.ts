import { basename } from 'node:path';
import { cover, type Place } from './cover';
import { type Disk, disk, PackageFinder, type PackageRoot } from './package-finder';
import type { Result } from './result';
import type { SampledFiles } from './sampled-files';
import { folderOf } from './source-name';

/** One entry of `code-provenance.json`. An empty kind is the user's own code. */
export interface ProvenanceEntry {
  kind: 'standard library' | 'library' | '';
  name: string;
  version: string;
  /** A file is of this entry if its name begins with one of them. Folders end with a slash. */
  paths: string[];
}

export interface ProvenanceOptions {
  /** Name of a package in `node_modules` that is the user's own code (`DD_MAIN_PACKAGE`). */
  mainPackage?: string;
  /** Without the `v`. */
  nodeVersion?: string;
  /** The binary that runs. */
  nodePath?: string;
  disk?: Disk;
  /** How many file names and answers of the disk are kept. */
  most?: number;
}

/** Some megabytes of names; a service of five hundred packages has two thousand files in its profiles. */
const MOST = 30_000;
const NODE_LIBRARY = /^libnode\.so(\.|$)/;
/** Of an addon, which belongs to a package like its scripts. */
const ADDON = '.node';

interface PackagePlace extends Place {
  root: string;
  files: Set<string>;
  package_: PackageRoot;
}

/** Collects where the code in profiles comes from. Each file's folder is looked at once; nothing throws. */
export class CodeProvenance {
  private readonly finder: PackageFinder;
  private readonly places = new Map<string, PackagePlace>();
  private readonly node = new Set<string>();
  private readonly native = new Set<string>();
  private readonly options: Required<Omit<ProvenanceOptions, 'mainPackage' | 'disk'>>;
  private readonly mainPackage: string;
  private names = 0;
  private isFull = false;
  private made: string | undefined;

  constructor(options: ProvenanceOptions = {}) {
    this.finder = new PackageFinder(options.disk ?? disk);
    this.mainPackage = options.mainPackage?.trim() ?? '';
    this.options = {
      nodeVersion: options.nodeVersion ?? process.versions.node,
      nodePath: options.nodePath ?? process.execPath,
      most: options.most ?? MOST,
    };
  }

  /** Takes note of the files of a profile. */
  add({ sources, modules }: SampledFiles): void {
    const binaries = new Set(modules);
    for (const file of binaries) this.addModule(file);
    for (const file of sources) if (!binaries.has(file)) this.addSource(file);
  }

  /** The text of `code-provenance.json` for all files so far. */
  json(): Result<string> {
    this.made ??= JSON.stringify({ v1: this.entries() });
    return { value: this.made, warnings: this.isFull ? [fullWarning(this.options.most)] : [] };
  }

  /** Its entries: Node.js, native code, then packages by name. */
  entries(): ProvenanceEntry[] {
    const places = [...this.places.values()];
    const [ofNode = [], ofNative = [], ...ofPackages] = cover([
      { root: '', files: this.node },
      { root: '', files: this.native },
      ...places,
    ]);
    const { nodeVersion } = this.options;
    const entries = new Map<string, ProvenanceEntry>();
    for (const [index, { package_ }] of places.entries()) {
      const { name, version } = package_;
      const kind = package_.isOwn || name === this.mainPackage ? '' : 'library';
      const key = JSON.stringify([name, version, kind]);
      const entry = entries.get(key) ?? { kind, name, version, paths: [] };
      entry.paths.push(...(ofPackages[index] ?? []));
      entries.set(key, entry);
    }
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    for (const { paths } of sorted) paths.sort();
    return [
      { kind: 'standard library', name: 'node', version: nodeVersion, paths: ['node:', ...ofNode] },
      { kind: 'library', name: 'native', version: '', paths: ofNative } as const,
      ...sorted,
    ].filter(({ paths }) => paths.length > 0) as ProvenanceEntry[];
  }

  private addModule(file: string): void {
    if (file === this.options.nodePath || NODE_LIBRARY.test(basename(file))) {
      this.keep(this.node, file);
      return;
    }
    const folder = folderOf(file);
    const package_ = folder === undefined ? undefined : this.find(folder);
    // A library of the system's beside one's own code, as in an image whose root has a package.json, is not one's own.
    if (package_ && (!package_.isOwn || file.endsWith(ADDON))) this.addTo(package_, file);
    else this.keep(this.native, file);
  }

  private addSource(file: string): void {
    const folder = folderOf(file);
    const package_ = folder === undefined ? undefined : this.find(folder);
    if (package_) this.addTo(package_, file);
  }

  private find(folder: string): PackageRoot | undefined {
    const known = this.finder.findKnown(folder);
    if (known !== undefined) return known;
    return this.hasRoom() ? this.finder.find(folder) : undefined;
  }

  private addTo(package_: PackageRoot, file: string): void {
    let place = this.places.get(package_.prefix);
    if (!place) {
      place = { root: package_.prefix, files: new Set(), package_ };
      this.places.set(package_.prefix, place);
    }
    this.keep(place.files, file);
  }

  private keep(files: Set<string>, file: string): void {
    if (files.has(file) || !this.hasRoom()) return;
    files.add(file);
    this.names++;
    this.made = undefined;
  }

  private hasRoom(): boolean {
    if (this.names + this.finder.size >= this.options.most) this.isFull = true;
    return !this.isFull;
  }
}

function fullWarning(most: number): string {
  return (
    `The profiles have more than ${most} file names, and of further ones it is not told which package they are of. ` +
    'Give code that the program makes at run time the same file name each time, or switch DD_PROFILING_ENABLE_CODE_PROVENANCE off.'
  );
}
