import { join, resolve } from 'node:path';
import { plainText, shown } from '../config/plain-text';
import type { Tag } from '../upload/upload';
import { remoteUrl } from './git-config';
import {
  configDamage,
  findRepository,
  type GitFolders,
  hasRefTables,
  headCommit,
  isCommit,
  openRepository,
  repositoryConfig,
  repositoryDamage,
} from './git-repository';
import { nearestManifest, ownFolder, type Program } from './main-package';
import { manifestRepositoryUrl, publicRepositoryUrl } from './repository-url';
import type { Result } from './result';
import { readSmallText } from './small-file';

/** Which source code a program was built from. */
export interface GitMetadata {
  /** Without user name and password. */
  repositoryUrl?: string;
  /** 40 or 64 hexadecimal digits. */
  commitSha?: string;
}

export interface GitQuestion extends Program {
  environment: NodeJS.ProcessEnv;
  /** The user's own tags. */
  tags: readonly Tag[];
}

const MOST_BYTES_OF_PROPERTIES = 1024 * 1024;
const URL_WANTED = 'the address of a repository, such as https://github.com/acme/shop';
const COMMIT_WANTED = 'a whole commit hash of 40 or 64 hexadecimal digits';

/**
 * Finds the repository and the commit of a program, each for itself, in the order of dd-trace-js: the variables, the tags,
 * `git.properties`, `.git`; and at last the repository that package.json names. Git itself is not needed. Off with
 * `DD_TRACE_GIT_METADATA_ENABLED=false`. What is wrong is told where the user named it, and of the first `.git` that is there and
 * cannot be read.
 */
export function resolveGitMetadata(question: GitQuestion): Result<GitMetadata> {
  if (/^(false|0|no|off)$/i.test(question.environment.DD_TRACE_GIT_METADATA_ENABLED?.trim() ?? '')) {
    return { value: {}, warnings: [] };
  }
  const search = new Search();
  for (const source of [fromVariables, fromTags, fromProperties, fromRepository, fromPackage]) {
    source(question, search);
    if (search.isComplete) break;
  }
  return { value: search.found, warnings: search.warnings };
}

/** The tags without those that name the source code: they are told by themselves, and one of them may hold a password. */
export function withoutGitTags(tags: readonly Tag[]): Tag[] {
  return tags.filter(([key]) => key !== 'git.repository_url' && key !== 'git.commit.sha');
}

/** What has been found so far: the first one of each wins. */
class Search {
  readonly found: GitMetadata = {};
  readonly warnings: string[] = [];
  private isDamageTold = false;

  get isComplete(): boolean {
    return this.found.repositoryUrl !== undefined && this.found.commitSha !== undefined;
  }

  /** Offers an address. `source` names it where the user gave it: then it is told what is wrong with it. */
  url(given: string | undefined, source?: string): void {
    if (!given?.trim() || this.found.repositoryUrl !== undefined) return;
    const url = publicRepositoryUrl(given);
    if (url !== undefined) this.found.repositoryUrl = url;
    // Not the value: it may hold a password.
    else if (source) this.warnings.push(`${source} must be ${URL_WANTED}; its value is ignored.`);
  }

  /** Tells why a repository cannot be read: of the first one alone, as the others are above it. */
  damage(path: string, reason: string | undefined): void {
    if (reason === undefined || this.isDamageTold) return;
    this.isDamageTold = true;
    this.warnings.push(
      `The git repository ${plainText(path)} cannot be read: ${plainText(reason)}. Let the program read it, or name the source code with DD_GIT_REPOSITORY_URL and DD_GIT_COMMIT_SHA.`,
    );
  }

  commit(given: string | undefined, source?: string): void {
    const commit = given?.trim().toLowerCase();
    if (!commit || this.found.commitSha !== undefined) return;
    if (isCommit(commit)) this.found.commitSha = commit;
    else if (source) {
      this.warnings.push(`${source} is ${shown(commit)}, but it must be ${COMMIT_WANTED}; it is ignored.`);
    }
  }
}

function fromVariables({ environment }: GitQuestion, search: Search): void {
  search.url(environment.DD_GIT_REPOSITORY_URL, 'DD_GIT_REPOSITORY_URL');
  search.commit(environment.DD_GIT_COMMIT_SHA, 'DD_GIT_COMMIT_SHA');
}

function fromTags({ tags }: GitQuestion, search: Search): void {
  const values = new Map(tags);
  search.url(values.get('git.repository_url'), 'The tag git.repository_url');
  search.commit(values.get('git.commit.sha'), 'The tag git.commit.sha');
}

function fromProperties({ environment, workingDirectory }: GitQuestion, search: Search): void {
  const named = environment.DD_GIT_PROPERTIES_FILE?.trim();
  const text = readSmallText(resolve(workingDirectory, named || 'git.properties'), MOST_BYTES_OF_PROPERTIES);
  if (text === undefined) {
    if (named) {
      search.warnings.push(
        `DD_GIT_PROPERTIES_FILE names ${shown(named)}, which cannot be read. Name a file with git.repository_url=… and git.commit.sha=… in it.`,
      );
    }
    return;
  }
  const place = named ? ` in the file that DD_GIT_PROPERTIES_FILE names` : undefined;
  search.url(property(text, 'git.repository_url'), place && `git.repository_url${place}`);
  search.commit(property(text, 'git.commit.sha'), place && `git.commit.sha${place}`);
}

function fromRepository(question: GitQuestion, search: Search): void {
  const { environment, workingDirectory } = question;
  const named = environment.DD_GIT_FOLDER_PATH?.trim();
  const folders = named ? openNamed(resolve(workingDirectory, named)) : nearestRepository(question, search);
  if (!folders) {
    if (named) {
      search.warnings.push(
        `DD_GIT_FOLDER_PATH is ${shown(named)}, but no git repository can be read there. Name the .git folder.`,
      );
    }
    return;
  }
  const config = repositoryConfig(folders);
  search.url(remoteUrl(config));
  if (hasRefTables(config) && search.found.commitSha === undefined) {
    search.warnings.push(
      `The git repository ${folders.common} keeps its refs in the reftable format, which cannot be read. Name the commit with DD_GIT_COMMIT_SHA.`,
    );
    return;
  }
  const { commit, damage } = headCommit(folders);
  if (search.found.repositoryUrl === undefined) search.damage(folders.own, configDamage(folders));
  if (search.found.commitSha === undefined) search.damage(folders.own, damage);
  search.commit(commit);
}

/** People name the folder above as well. */
function openNamed(path: string): GitFolders | undefined {
  return openRepository(path) ?? openRepository(join(path, '.git'));
}

function nearestRepository(question: GitQuestion, search: Search): GitFolders | undefined {
  const passOver = (path: string): void => search.damage(path, repositoryDamage(path));
  const own = findRepository(ownFolder(question), passOver);
  const found = own === undefined ? findRepository(question.workingDirectory, passOver) : own;
  return found ?? undefined;
}

function fromPackage(question: GitQuestion, search: Search): void {
  search.url(manifestRepositoryUrl(nearestManifest(ownFolder(question))?.repository));
}

/** A value of a properties file (java.util.Properties): the last of its key, without escapes. */
function property(text: string, key: string): string | undefined {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trimStart());
  const line = lines.findLast((line) => line.startsWith(key) && /^\s*[=:\s]/.test(line.slice(key.length)));
  return line
    ?.slice(key.length)
    .replace(/^\s*[=:]?\s*/, '')
    .replace(/\\(.)/g, '$1');
}
