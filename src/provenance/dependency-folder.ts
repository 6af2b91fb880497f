import type { Folder } from './source-name';

/** A folder in `node_modules`. */
export interface DependencyFolder {
  /** Place of the innermost `node_modules` among the folders. */
  modules: number;
  /** Place of the package's root among the folders. */
  root: number;
  /** What follows `node_modules/`: a package's name, or a folder of a tool's own, which begins with a dot. */
  name: string;
  /** The version in the names of the folders above, where a package manager puts it there. */
  version?: string;
}

/** `x-npm-1.2.3-<hash>` of Yarn, with the checksum in a cache: a name may hold `-npm-` itself. */
const YARN = /.*-npm-(\d.*?)-[0-9a-f]{10}(?:-[0-9a-z]+\.zip)?$/;
/** `x@1.2.3`, `@scope+x@1.2.3`, with peers after `_` or `(`, of pnpm and Bun. */
const PNPM = /^@?[^@]+@(\d[^_(@]*)/;

/** No name of a folder on a disk is longer. */
const LONGEST = 255;
/** A path that was not made short. */
const NO_NAME = /^\.{0,2}$/;

/** Whether one of the folders is `node_modules`: then nothing in it is the user's own by the package.json above. */
export function isInModules(folders: readonly Folder[]): boolean {
  return folders.some(isModules);
}

/** The package that a file in these folders belongs to by `node_modules`; undefined where it belongs to none. */
export function dependencyFolder(folders: readonly Folder[]): DependencyFolder | undefined {
  const modules = folders.findLastIndex(isModules);
  const first = modules < 0 ? undefined : folders[modules + 1];
  if (!first || NO_NAME.test(first.name)) return undefined;
  const version = versionIn(folders[modules - 1]?.name ?? '');
  const found = { modules, ...(version === undefined ? {} : { version }) };
  if (!first.name.startsWith('@')) return { ...found, root: modules + 1, name: first.name };
  const second = folders[modules + 2];
  return second && { ...found, root: modules + 2, name: `${first.name}/${second.name}` };
}

function isModules({ name }: Folder): boolean {
  return name === 'node_modules';
}

function versionIn(name: string): string | undefined {
  if (name.length > LONGEST) return undefined;
  return YARN.exec(name)?.[1] ?? PNPM.exec(name)?.[1];
}
