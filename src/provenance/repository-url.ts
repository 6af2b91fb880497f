/** Schemes under which a repository can be reached by others. */
const SCHEME = /^(https?|ssh|git|git\+https?|git\+ssh):\/\//i;
/** `user@host:path`, as ssh takes it; a drive letter of Windows is no host. */
const SCP_LIKE = /^(?:[^\s/:@]+@)?[^\s/:@]{2,}:(?!\/\/)[^\s:@][^\s@]*$/;
/** A user of the short form who is somebody, or a token. Hosts of repositories have `git` there for everybody. */
const SCP_USER = /^(?!git@)[^@:]*@/;
/** What would end or split a tag. */
const NEVER = /[\s\p{Cc}\p{Cs},]/u;
const LONGEST = 1024;

/**
 * A repository's address as it may be shown: without user name and password, which are often tokens, and without query and
 * fragment. Undefined for what is no address, such as a path, or may still hold a password.
 */
export function publicRepositoryUrl(text: string): string | undefined {
  const url = text.trim();
  if (url === '' || url.length > LONGEST || NEVER.test(url)) return undefined;
  if (SCHEME.test(url)) return withoutCredentials(url.replace(/^git\+/i, ''));
  return SCP_LIKE.test(url) ? url.replace(/[?#].*$/, '').replace(SCP_USER, '') : undefined;
}

function withoutCredentials(url: string): string | undefined {
  const start = url.indexOf('://') + 3;
  const authorityLength = url.slice(start).search(/[/?#]|$/);
  let host = url.slice(start, start + authorityLength).replace(/^.*@/, '');
  // As many write it, by halves of the short form: npm takes it too.
  if (/^ssh:/i.test(url)) host = host.replace(/:(?=[^\d:\]])/, '/');
  const path = url.slice(start + authorityLength).replace(/[?#].*$/, '');
  // A password with a slash in it that was not escaped ends the host's name early: what follows is still the password.
  const isWhole = URL.canParse(`http://${host}/`) && !url.slice(start + authorityLength).includes('@');
  return isWhole && host !== '' ? `${url.slice(0, start)}${host}${path}` : undefined;
}

const HOSTS: Record<string, string> = {
  github: 'https://github.com/',
  gitlab: 'https://gitlab.com/',
  bitbucket: 'https://bitbucket.org/',
  gist: 'https://gist.github.com/',
};
const SHORT = /^(?:(github|gitlab|bitbucket|gist):)?(\w[\w.-]*(?:\/\w[\w.-]*)*)(?:#.*)?$/;

/** The address in the `repository` field of a package.json: a text, short or whole, or an object with `url`. */
export function manifestRepositoryUrl(repository: unknown): string | undefined {
  const given =
    typeof repository === 'object' && repository !== null && 'url' in repository
      ? repository.url
      : repository;
  if (typeof given !== 'string') return undefined;
  const [, host = 'github', path] = SHORT.exec(given.trim()) ?? [];
  // A name alone is one of a gist, and nothing without a host.
  if (path === undefined || (host !== 'gist' && !path.includes('/'))) return publicRepositoryUrl(given);
  return `${HOSTS[host]}${path}`;
}
