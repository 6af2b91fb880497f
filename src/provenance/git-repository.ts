import { lstatSync, opendirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { shown } from '../config/plain-text';
import { reasonOf } from '../log';
import { type GitConfig, parseGitConfig } from './git-config';
import { readSmallFile, readSmallText, whyUnread } from './small-file';

/** Folders above one that are looked at. */
const MOST_FOLDERS = 64;
/** As git has it (SYMREF_MAXDEPTH of refs.c). */
const MOST_SYMBOLIC_REFS = 5;
const MOST_BYTES_OF_REF = 4096;
const MOST_BYTES_OF_CONFIG = 1024 * 1024;
/** Some hundred thousand refs. */
const MOST_BYTES_OF_PACKED_REFS = 32 * 1024 * 1024;

/** Nothing but zeros is git's word for none. */
const COMMIT = /^(?!0+$)([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Where git keeps what belongs to one working tree, and what all of a repository's share. */
export interface GitFolders {
  own: string;
  common: string;
}

/** What is checked out. */
export interface Head {
  /** Undefined where there is no commit yet, or it cannot be read. */
  commit: string | undefined;
  /** Why it cannot be read, as a part of a sentence. */
  damage: string | undefined;
}

/**
 * The repository that a folder is in; undefined where there is none that can be read, and null where the search ended, as git's does,
 * at a `.git` file that names none: what lies above is another repository, such as that of a submodule's parent. `passOver` gets each
 * `.git` on the way that is none, whether it is there or not.
 */
export function findRepository(
  folder: string,
  passOver: (path: string) => void,
): GitFolders | null | undefined {
  let current = folder;
  for (let looked = 0; looked < MOST_FOLDERS; looked++) {
    const path = join(current, '.git');
    const found = openRepository(path);
    if (found) return found;
    passOver(path);
    if (isFile(path)) return null;
    const parent = dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
  return undefined;
}

/** The repository at a path: a `.git` folder, or a `.git` file that names one, as in worktrees and submodules. */
export function openRepository(path: string): GitFolders | undefined {
  const own = isFolder(path) ? path : linkedFolder(path);
  // As git does, so that an empty folder of that name hides no repository above it.
  if (own === undefined || readSmallText(join(own, 'HEAD'), MOST_BYTES_OF_REF) === undefined)
    return undefined;
  const common = readSmallText(join(own, 'commondir'), MOST_BYTES_OF_REF)?.trim();
  return { own, common: common ? resolve(own, common) : own };
}

/** Why what is at a path is no repository, as a part of a sentence; undefined where nothing is there, or an empty folder. */
export function repositoryDamage(path: string): string | undefined {
  try {
    lstatSync(path);
  } catch {
    return undefined;
  }
  try {
    if (statSync(path).isDirectory()) return isEmpty(path) ? undefined : headDamage(path);
    const folder = linkedPath(path);
    if (folder === undefined) return whyUnread(path, MOST_BYTES_OF_REF) ?? `${path} names no folder`;
    return isFolder(folder) ? headDamage(folder) : `it names ${shown(folder)}, where no folder is`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Why the configuration of a repository cannot be read, as a part of a sentence; undefined where it can, or there is none. */
export function configDamage({ common }: GitFolders): string | undefined {
  return whyUnread(join(common, 'config'), MOST_BYTES_OF_CONFIG);
}

/** The configuration of a repository. */
export function repositoryConfig({ common }: GitFolders): GitConfig {
  return parseGitConfig(readSmallText(join(common, 'config'), MOST_BYTES_OF_CONFIG) ?? '');
}

/** The commit that is checked out. */
export function headCommit(folders: GitFolders): Head {
  const damaged = (damage: string | undefined): Head => ({ commit: undefined, damage });
  let name = 'HEAD';
  for (let depth = 0; depth <= MOST_SYMBOLIC_REFS; depth++) {
    const content = looseRef(folders, name) ?? packedRef(folders, name);
    // The branch of a new repository has no ref before its first commit.
    if (content === undefined) return damaged(refDamage(folders, name));
    if (COMMIT.test(content)) return { commit: content, damage: undefined };
    const next = /^ref:\s*(\S.*)$/.exec(content)?.[1];
    if (next === undefined || !isRefName(next)) {
      return damaged(`${shown(name)} is ${shown(content)}, which is neither a commit nor a ref`);
    }
    name = next;
  }
  return damaged(`more than ${MOST_SYMBOLIC_REFS} of its refs name each other`);
}

/** Whether an object name is one of a commit: SHA-1 or SHA-256, whole. */
export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

/** Whether refs are in tables of git's own, which nobody else reads (git-init(1), `--ref-format`), perhaps at a path of their own. */
export function hasRefTables(config: GitConfig): boolean {
  return /^reftable(:|$)/i.test(config.get('extensions.refstorage')?.at(-1) ?? '');
}

/** Each working tree has its own HEAD; most other refs are shared. */
function looseRef({ own, common }: GitFolders, name: string): string | undefined {
  const read = (folder: string): string | undefined =>
    readSmallText(join(folder, name), MOST_BYTES_OF_REF)?.trim();
  return read(own) ?? (own === common ? undefined : read(common));
}

function refDamage({ own, common }: GitFolders, name: string): string | undefined {
  return (
    whyUnread(join(own, name), MOST_BYTES_OF_REF) ??
    whyUnread(join(common, name), MOST_BYTES_OF_REF) ??
    whyUnread(join(common, 'packed-refs'), MOST_BYTES_OF_PACKED_REFS)
  );
}

function headDamage(own: string): string {
  return whyUnread(join(own, 'HEAD'), MOST_BYTES_OF_REF) ?? 'it has no HEAD';
}

function packedRef({ common }: GitFolders, name: string): string | undefined {
  const packed = readSmallFile(join(common, 'packed-refs'), MOST_BYTES_OF_PACKED_REFS);
  if (!packed) return undefined;
  // As bytes: such a file has megabytes in a large repository.
  const end = packed.indexOf(` ${name}\n`);
  if (end < 0) return undefined;
  return packed.toString('latin1', packed.lastIndexOf('\n', end) + 1, end);
}

/** One that stays in its folder. */
function isRefName(name: string): boolean {
  return name.startsWith('refs/') && !name.split('/').includes('..') && !name.includes('\0');
}

function linkedFolder(file: string): string | undefined {
  const path = linkedPath(file);
  return path !== undefined && isFolder(path) ? path : undefined;
}

/** What a `.git` file names. */
function linkedPath(file: string): string | undefined {
  const folder = /^gitdir:\s*(.+)$/m.exec(readSmallText(file, MOST_BYTES_OF_REF) ?? '')?.[1]?.trim();
  return folder ? resolve(dirname(file), folder) : undefined;
}

/** One such folder is put over a repository to hide it. */
function isEmpty(folder: string): boolean {
  try {
    const opened = opendirSync(folder);
    try {
      return opened.readSync() === null;
    } finally {
      opened.closeSync();
    }
  } catch {
    // One that is closed to the program is told of by what is in it.
    return false;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
