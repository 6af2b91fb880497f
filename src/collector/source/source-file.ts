import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf, reasonOf } from '../../log';

/** More than anybody reads; a bundle of more has lines that are of no use. */
export const MOST_SOURCE_BYTES = 2 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** Not through a link, and not waiting for whoever opens the other end of a pipe. */
const PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * What source is called. A profile may name any file, and whoever may send one is not always who may read: keys, settings and
 * records of the system have other names.
 */
const EXTENSIONS: ReadonlySet<string> = new Set(
  [
    '.js .mjs .cjs .jsx .ts .mts .cts .tsx .vue .svelte .astro .coffee .eta .ejs',
    '.py .rb .php .pl .lua .go .rs .java .kt .scala .clj .cs .fs .swift .ex .exs .erl .ml .hs .dart .zig',
    '.c .h .cc .hh .cpp .hpp .cxx .hxx .m .mm',
  ].flatMap((line) => line.split(' ')),
);

/** The text of a source file, and when it was written, in milliseconds since the epoch; or why it is not given. */
export type SourceFile =
  | { text: string; modified: number; repositoryPath: string | null }
  | { reason: string };

/** Reads a source file as a profile names it: a path or a `file:` address. */
export function readSourceFile(name: string): SourceFile {
  if (name.startsWith('node:')) return { reason: 'it is a part of Node.js' };
  const path = pathOf(name);
  if (path === undefined) return { reason: 'its name is no absolute path' };
  if (!EXTENSIONS.has(extname(path).toLowerCase()))
    return { reason: 'its name does not end as that of a source file does' };
  try {
    const { text, modified } = readText(path);
    return { text, modified, repositoryPath: pathInRepository(path) };
  } catch (error) {
    return { reason: reasonFor(error) };
  }
}

/** An absolute path in the one form that it has; undefined for everything else. */
function pathOf(name: string): string | undefined {
  try {
    const path = name.startsWith('file:') ? fileURLToPath(name) : name;
    return isAbsolute(path) && resolve(path) === path && !path.includes('\0') ? path : undefined;
  } catch {
    // An address with a host, or with an encoded slash.
    return undefined;
  }
}

/** Throws the system's error, or one with a reason. */
function readText(path: string): { text: string; modified: number } {
  const descriptor = openSync(path, PLAIN);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error('it is no file');
    // Of what is open now: a folder on the way that is a link, or has become one, leads to another file than the name says.
    const named = lstatSync(path);
    if (realpathSync(path) !== path || named.ino !== found.ino || named.dev !== found.dev)
      throw new Error('a link is on the way to it');
    if (found.size > MOST_SOURCE_BYTES)
      throw new Error(`it has more than ${MOST_SOURCE_BYTES / MEBIBYTE} MiB`);
    const bytes = readFileSync(descriptor);
    if (bytes.length > MOST_SOURCE_BYTES || bytes.includes(0)) throw new Error('it is no text');
    return { text: decode(bytes), modified: found.mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is no text in UTF-8');
  }
}

function reasonFor(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'it is not on this machine';
    case 'ELOOP':
      return 'it is a link';
    case 'EACCES':
    case 'EPERM':
      return 'the collector may not read it';
    default:
      return reasonOf(error);
  }
}

/** The path from the root of the repository that a file lies in; null where it is in none, or is a package's. */
function pathInRepository(path: string): string | null {
  if (path.split(sep).includes('node_modules')) return null;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (lstatSync(join(folder, '.git'), { throwIfNoEntry: false }))
      return relative(folder, path).split(sep).join('/');
    if (folder === dirname(folder)) return null;
  }
}
