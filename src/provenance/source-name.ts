import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** No path of a file is longer (PATH_MAX of Linux). */
const LONGEST = 4096;
const WINDOWS = /^([A-Za-z]:[\\/]|\\\\)/;
/** Schemes whose text is code or a number, not a place. */
const NO_PLACE = /^(node|data|blob|wasm):/;
/** Folders that Yarn makes up for packages with peers: `<base>/__virtual__/<hash>/<levels up from base>/<rest>`. */
const VIRTUAL = /^(.*[\\/])(?:__virtual__|\$\$virtual)[\\/][^\\/]+[\\/](\d{1,3})[\\/](.*)$/s;
const IN_VIRTUAL = /[\\/](?:__virtual__|\$\$virtual)[\\/]/;

/** A folder of a source's name. */
export interface Folder {
  /** The name's beginning, up to and with the slash that ends the folder. */
  prefix: string;
  /** The last part alone. */
  name: string;
}

/** The part of a file's name, as profiles have it, up to its last slash; undefined where it names no place. */
export function folderOf(name: string): string | undefined {
  if (name.length > LONGEST || NO_PLACE.test(name)) return undefined;
  const backslash = WINDOWS.test(name) ? name.lastIndexOf('\\') : -1;
  const end = Math.max(name.lastIndexOf('/'), backslash) + 1;
  return end === 0 || end === name.length ? undefined : name.slice(0, end);
}

/** All folders of a prefix, the outermost first and the prefix itself last. */
export function foldersIn(prefix: string): Folder[] {
  const folders: Folder[] = [];
  let start = 0;
  for (const { index } of prefix.matchAll(WINDOWS.test(prefix) ? /[\\/]/g : /\//g)) {
    folders.push({ prefix: prefix.slice(0, index + 1), name: prefix.slice(start, index) });
    start = index + 1;
  }
  return folders;
}

/** Where a prefix lies on this machine; undefined for those that are no absolute path, such as a bundler's. */
export function pathOf(prefix: string): string | undefined {
  if (isAbsolute(prefix)) return withoutVirtual(prefix);
  if (!prefix.startsWith('file:')) return undefined;
  try {
    return withoutVirtual(fileURLToPath(prefix));
  } catch {
    // Not a URL of this machine's files.
    return undefined;
  }
}

function withoutVirtual(path: string): string | undefined {
  const [, base, levels, rest] = VIRTUAL.exec(path) ?? [];
  if (base === undefined || rest === undefined) return IN_VIRTUAL.test(path) ? undefined : path;
  return join(base, '../'.repeat(Number(levels)), rest);
}
