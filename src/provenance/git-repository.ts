import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type GitConfig, parseGitConfig } from './git-config';
import { readSmallFile, readSmallText } from './small-file';

/** Folders above one that are looked at. */
const MOST_FOLDERS = 64;
/** As git has it (SYMREF_MAXDEPTH of refs.c). */
const MOST_SYMBOLIC_REFS = 5;
const MOST_BYTES_OF_REF = 4096;
const MOST_BYTES_OF_CONFIG = 1024 * 1024;
/** Some hundred thousand refs. */
const MOST_BYTES_OF_PACKED_REFS = 32 * 1024 * 1024;

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Where git keeps what belongs to one working tree, and what all of a repository's share. */
export interface GitFolders {
  own: string;
  common: string;
}

/** The repository that a folder is in; undefined where there is none that can be read. */
export function findRepository(folder: string): GitFolders | undefined {
  let current = folder;
  for (let looked = 0; looked < MOST_FOLDERS; looked++) {
    const found = openRepository(join(current, '.git'));
    if (found) return found;
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

/** The configuration of a repository. */
export function repositoryConfig({ common }: GitFolders): GitConfig {
  return parseGitConfig(readSmallText(join(common, 'config'), MOST_BYTES_OF_CONFIG) ?? '');
}

/** The commit that is checked out; undefined where there is none yet, or it cannot be read. */
export function headCommit(folders: GitFolders): string | undefined {
  let name = 'HEAD';
  for (let depth = 0; depth <= MOST_SYMBOLIC_REFS; depth++) {
    const content = looseRef(folders, name) ?? packedRef(folders, name);
    if (content === undefined) return undefined;
    if (COMMIT.test(content)) return content;
    const next = /^ref:\s*(\S.*)$/.exec(content)?.[1];
    if (next === undefined || !isRefName(next)) return undefined;
    name = next;
  }
  return undefined;
}

/** Whether an object name is one of a commit: SHA-1 or SHA-256, whole. */
export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

/** Whether refs are in tables of git's own, which nobody else reads (git-init(1), `--ref-format`). */
export function hasRefTables(config: GitConfig): boolean {
  return config.get('extensions.refstorage')?.at(-1)?.toLowerCase() === 'reftable';
}

/** Each working tree has its own HEAD; most other refs are shared. */
function looseRef({ own, common }: GitFolders, name: string): string | undefined {
  const read = (folder: string): string | undefined =>
    readSmallText(join(folder, name), MOST_BYTES_OF_REF)?.trim();
  return read(own) ?? (own === common ? undefined : read(common));
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
  const folder = /^gitdir:\s*(.+)$/m.exec(readSmallText(file, MOST_BYTES_OF_REF) ?? '')?.[1]?.trim();
  if (!folder) return undefined;
  const path = resolve(dirname(file), folder);
  return isFolder(path) ? path : undefined;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
