/** A commit of a repository, as tags of a process name it. */
export interface Commit {
  /** `git.repository_url` */
  repository: string;
  /** `git.commit.sha` */
  sha: string;
}

/** How a site shows a line of a file at a commit, below the address of the repository. */
const SITES: [name: RegExp, place: (sha: string, path: string, line: number) => string][] = [
  [/^github\./, (sha, path, line) => `blob/${sha}/${path}${line > 0 ? `#L${line}` : ''}`],
  [/^gitlab\./, (sha, path, line) => `-/blob/${sha}/${path}${line > 0 ? `#L${line}` : ''}`],
  [/^bitbucket\.org$/, (sha, path, line) => `src/${sha}/${path}${line > 0 ? `#lines-${line}` : ''}`],
];

/** An address that git takes and browsers do not: `git@host:owner/name`. */
const SCP = /^(?:[\w.-]+@)?([\w.-]+):(?!\/)(.+)$/;

/**
 * The page of a site that has a line of a file as it was at a commit. Undefined where the site is not one that is known, or what is
 * given is no address of a repository: tags come from whoever sends profiles.
 * @param path from the root of the repository
 * @param line 0 for the whole file
 */
export function repositoryLink({ repository, sha }: Commit, path: string, line: number): string | undefined {
  const address = webAddress(repository.trim());
  if (address === undefined || !/^[0-9a-f]{7,64}$/i.test(sha)) return undefined;
  const site = SITES.find(([name]) => name.test(address.hostname));
  const folder = address.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  if (!site || !/^\/[^/]+\/[^/]/.test(folder)) return undefined;
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return `${address.origin}${folder}/${site[1](sha, encoded, line)}`;
}

/** The address of a repository for a browser, without names and passwords; undefined for what leads to no web site. */
function webAddress(text: string): URL | undefined {
  const [, host, path] = text.includes('://') ? [] : (SCP.exec(text) ?? []);
  const url = parsed(host === undefined ? text : `https://${host}/${path}`);
  if (!url) return undefined;
  if (['ssh:', 'git:', 'git+ssh:'].includes(url.protocol))
    return parsed(`https://${url.hostname}${url.pathname}`);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

const PACKAGES = '/node_modules/';
/** Folders below the root of a repository that all files of a program may lie in. */
const INNER = /\/(src|lib|app|server|dist|build|out)$/;

/**
 * The path of a file from the root of its repository, as far as the files of the profiles tell: packages lie below the root, and files
 * of the program in one folder. Undefined for files of packages and of Node.js, which are in another repository.
 * @param files all that the profiles name
 */
export function pathInRepository(file: string, files: readonly string[]): string | undefined {
  if (file.includes(PACKAGES) || file.startsWith('node:') || file === '') return undefined;
  const [, made] = /^webpack(?:-internal)?:\/\/[^/]*\/(.*)$/.exec(file) ?? [];
  const plain = (made ?? file).replace(/^file:\/\//, '').replace(/^(?:\.\/)+/, '');
  if (!plain.startsWith('/')) return plain.startsWith('../') || plain === '' ? undefined : plain;
  const plainFiles = files
    .map((other) => other.replace(/^file:\/\//, ''))
    .filter((other) => other.startsWith('/'));
  const root =
    rootByPackages(plain, plainFiles) ??
    rootByFolder(plainFiles.filter((other) => !other.includes(PACKAGES)));
  return root !== undefined && plain.startsWith(`${root}/`) ? plain.slice(root.length + 1) : undefined;
}

/** The folder of `node_modules` that is above a file, the outermost of them. */
function rootByPackages(file: string, files: readonly string[]): string | undefined {
  return files
    .flatMap((other) => (other.includes(PACKAGES) ? [other.slice(0, other.indexOf(PACKAGES))] : []))
    .filter((root) => file.startsWith(`${root}/`))
    .sort((a, b) => a.length - b.length)[0];
}

function rootByFolder(files: readonly string[]): string | undefined {
  const folders = files.map((file) => file.split('/').slice(0, -1));
  const [first] = folders;
  if (!first) return undefined;
  const differs = first.findIndex((part, index) => folders.some((folder) => folder[index] !== part));
  const common = (differs < 0 ? first : first.slice(0, differs)).join('/');
  return common === '' ? undefined : common.replace(INNER, '');
}
