import { join } from 'node:path';
import test from 'ava';
import { parseGitConfig, remoteUrl } from '#src/provenance/git-config.js';
import {
  type GitMetadata,
  type GitQuestion,
  resolveGitMetadata,
  withoutGitTags,
} from '#src/provenance/git-metadata.js';
import { manifestRepositoryUrl, publicRepositoryUrl } from '#src/provenance/repository-url.js';
import type { Result } from '#src/provenance/result.js';
import { temporaryFolder } from '../support/folder.js';
import { git, repository } from './support/git.js';
import { layOut } from './support/tree.js';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];

function resolve(workingDirectory: string, question: Partial<GitQuestion> = {}): Result<GitMetadata> {
  return resolveGitMetadata({ workingDirectory, environment: {}, tags: [], ...question });
}

test('the first of variables, tags, git.properties, .git and package.json wins, for each value alone', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, { '': { name: 'shop', repository: 'acme/package' } });
  t.deepEqual(resolve(folder).value, { repositoryUrl: 'https://github.com/acme/package' });
  const commitSha = repository(folder);
  t.deepEqual(resolve(folder).value, { commitSha, repositoryUrl: 'https://github.com/acme/package' });
  git(folder, 'remote', 'add', 'origin', 'https://example.com/remote');
  t.deepEqual(resolve(folder).value, { commitSha, repositoryUrl: 'https://example.com/remote' });
  layOut(folder, { 'git.properties': `git.commit.sha=${C}\n` });
  t.deepEqual(resolve(folder).value, { commitSha: C, repositoryUrl: 'https://example.com/remote' });
  const tags = [
    ['git.repository_url', 'https://example.com/tag'],
    ['git.commit.sha', B],
  ] as const;
  t.deepEqual(resolve(folder, { tags }).value, { commitSha: B, repositoryUrl: 'https://example.com/tag' });
  const environment = { DD_GIT_COMMIT_SHA: A.toUpperCase() };
  t.deepEqual(resolve(folder, { tags, environment }), {
    value: { commitSha: A, repositoryUrl: 'https://example.com/tag' },
    warnings: [],
  });
});

test('DD_TRACE_GIT_METADATA_ENABLED=false turns everything off', (t) => {
  for (const off of ['false', '0', ' FALSE ', 'off', 'no']) {
    const environment = {
      DD_TRACE_GIT_METADATA_ENABLED: off,
      DD_GIT_COMMIT_SHA: A,
      DD_GIT_REPOSITORY_URL: 'x',
    };
    t.deepEqual(resolve(process.cwd(), { environment }), { value: {}, warnings: [] }, off);
  }
  const environment = { DD_TRACE_GIT_METADATA_ENABLED: 'true', DD_GIT_COMMIT_SHA: A };
  t.is(resolve('/', { environment }).value.commitSha, A);
});

test('a value that cannot be used is told by its name, and the next source counts', (t) => {
  const tags = [
    ['git.commit.sha', B],
    ['git.repository_url', 'not an address'],
  ] as const;
  const environment = {
    DD_GIT_COMMIT_SHA: 'abc1234',
    DD_GIT_REPOSITORY_URL: 'https://ada:pa/ss@example.com/x',
  };
  const { value, warnings } = resolve('/', { environment, tags });
  t.deepEqual(value, { commitSha: B });
  t.deepEqual(warnings, [
    'DD_GIT_REPOSITORY_URL must be the address of a repository, such as https://github.com/acme/shop; its value is ignored.',
    'DD_GIT_COMMIT_SHA is "abc1234", but it must be a whole commit hash of 40 or 64 hexadecimal digits; it is ignored.',
    'The tag git.repository_url must be the address of a repository, such as https://github.com/acme/shop; its value is ignored.',
  ]);
});

test('DD_GIT_PROPERTIES_FILE is read as a properties file, and its errors are told', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    'git.properties': `git.commit.sha=${C}`,
    'build/mine.properties': `# git.commit.sha=${C}\n  git.commit.sha : ${A}\r\ngit.commit.sha.short=abc\ngit.repository_url=https\\://ada\\:x@example.com/acme/shop?token\\=1`,
    'bad.properties': 'git.commit.sha=@sha@\ngit.repository_url=@url@',
  });
  const named = (file: string): Result<GitMetadata> =>
    resolve(folder, { environment: { DD_GIT_PROPERTIES_FILE: file } });
  t.deepEqual(named('build/mine.properties'), {
    value: { commitSha: A, repositoryUrl: 'https://example.com/acme/shop' },
    warnings: [],
  });
  t.deepEqual(named('none'), {
    value: {},
    warnings: [
      'DD_GIT_PROPERTIES_FILE names "none", which cannot be read. Name a file with git.repository_url=… and git.commit.sha=… in it.',
    ],
  });
  t.deepEqual(named('bad.properties').value, {});
  t.is(named('bad.properties').warnings.length, 2);
  // Nobody named it.
  layOut(folder, { 'git.properties': 'git.commit.sha=@sha@' });
  t.deepEqual(resolve(folder), { value: {}, warnings: [] });
});

test("the repository of a framework's package.json is not the program's", (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    '': { name: 'shop', repository: { type: 'git', url: 'git+https://github.com/acme/shop.git' } },
    'dist/': { type: 'module' },
    'node_modules/next/': { name: 'next', repository: 'vercel/next.js' },
  });
  const expected = { repositoryUrl: 'https://github.com/acme/shop.git' };
  t.deepEqual(
    resolve(folder, { entryPoint: join(folder, 'node_modules/next/dist/bin/next') }).value,
    expected,
  );
  t.deepEqual(resolve('/', { entryPoint: join(folder, 'dist/main.js') }).value, expected);
});

test('addresses lose user name, password, query and fragment', (t) => {
  const expected: Record<string, string> = {
    'https://github.com/acme/shop': 'https://github.com/acme/shop',
    ' https://github.com/acme/shop.git\n': 'https://github.com/acme/shop.git',
    'https://ada:secret@github.com/acme/shop.git': 'https://github.com/acme/shop.git',
    'https://token@github.com/acme/shop.git': 'https://github.com/acme/shop.git',
    'https://ada:se@cret@github.com/acme/shop.git': 'https://github.com/acme/shop.git',
    'https://ada:s%40%2F@git.example.com:8443/acme/shop': 'https://git.example.com:8443/acme/shop',
    'https://github.com/acme/shop?access_token=x#secret': 'https://github.com/acme/shop',
    'ssh://git@github.com/acme/shop.git': 'ssh://github.com/acme/shop.git',
    'ssh://git@[::1]:22/acme/shop.git': 'ssh://[::1]:22/acme/shop.git',
    'git+ssh://git@github.com:acme/shop.git': 'ssh://github.com/acme/shop.git',
    'git+https://github.com/acme/shop.git': 'https://github.com/acme/shop.git',
    'git://github.com/acme/shop.git': 'git://github.com/acme/shop.git',
    'git@github.com:acme/shop.git': 'git@github.com:acme/shop.git',
    'github.com:acme/shop.git?token=x': 'github.com:acme/shop.git',
    'ada@git.example.com:acme/shop.git': 'git.example.com:acme/shop.git',
    'token@github.com:acme/shop.git': 'github.com:acme/shop.git',
  };
  for (const [given, url] of Object.entries(expected)) t.is(publicRepositoryUrl(given), url, given);
});

test('what is no address, or may still hold a password, is none', (t) => {
  const none = [
    '',
    ' ',
    'shop',
    '/srv/shop.git',
    './shop',
    '~/shop',
    'C:\\shop',
    'C:/shop',
    'file:///srv/shop',
    'https://',
    'https:///acme/shop',
    'https://ada:pa/ss@github.com/acme/shop',
    'https://ada:pa?ss@github.com/acme/shop',
    'https://ada:pa#ss@github.com/acme/shop',
    'ada:secret@github.com:acme/shop',
    'https://a b.com/x',
    'https://a.com/x,y',
    'https://a.com/\u0000',
    `https://a.com/${'x'.repeat(2000)}`,
    'https://a.com/\ud800',
  ];
  for (const url of none) t.is(publicRepositoryUrl(url), undefined, url);
});

test('the repository field of a package.json is read in all its forms', (t) => {
  const expected: [unknown, string | undefined][] = [
    ['acme/shop', 'https://github.com/acme/shop'],
    ['github:acme/shop', 'https://github.com/acme/shop'],
    ['gitlab:acme/group/shop', 'https://gitlab.com/acme/group/shop'],
    ['bitbucket:acme/shop#main', 'https://bitbucket.org/acme/shop'],
    ['gist:11081aaa281', 'https://gist.github.com/11081aaa281'],
    [
      { type: 'git', url: 'git+https://github.com/acme/shop.git', directory: 'packages/a' },
      'https://github.com/acme/shop.git',
    ],
    [{ url: 'acme/shop' }, 'https://github.com/acme/shop'],
    ['https://x:y@github.com/acme/shop', 'https://github.com/acme/shop'],
    ['shop', undefined],
    [{ url: 7 }, undefined],
    [{}, undefined],
    [['acme/shop'], undefined],
    [null, undefined],
    [undefined, undefined],
    ['../shop', undefined],
  ];
  for (const [given, url] of expected) t.is(manifestRepositoryUrl(given), url, JSON.stringify(given));
});

test('a git configuration is read as git reads it', (t) => {
  const folder = temporaryFolder(t);
  repository(folder);
  const text = `; a comment
[core] bare = false ; another
	NOTE = "a \\"b\\" # c" ; d
	joined = one \\
  two
[remote "up\\"st\\\\ream"]
	url = https://example.com/#no	
	URL=  "https://example.com/#yes"\t
[Remote "Case"] url = x
[remote "case"]
	url = y
[remote.dotted]
	url = z
[color]
	ui
	tab = a\\tb\\\\
`;
  layOut(folder, { '.git/config': text });
  const config = parseGitConfig(text);
  const keys = git(folder, 'config', '--local', '--list', '--name-only').split('\n');
  t.deepEqual([...config.keys()].sort(), [...new Set(keys)].sort());
  for (const key of config.keys()) {
    const values = git(folder, 'config', '--local', '--get-all', key).split('\n');
    // git leaves out the value of a variable without one; its output is cut at its ends here.
    t.deepEqual(
      config.get(key)?.map((value) => value.trim()),
      values,
      key,
    );
  }
});

test('damaged configurations are read as far as they can be', (t) => {
  const good = '[remote "origin"]\nurl = https://example.com/x\n';
  for (const text of [
    `\ufeff${good}`.slice(1),
    `]]]\n[\n"\n${good}`,
    `${good}[remote "x`,
    `url = before\n${good}`,
    good.replaceAll('\n', '\r\n'),
  ]) {
    t.is(remoteUrl(parseGitConfig(text)), 'https://example.com/x', JSON.stringify(text));
  }
  t.is(remoteUrl(parseGitConfig('')), undefined);
  const begin = performance.now();
  parseGitConfig(`[remote "${'\\\\'.repeat(200_000)}`);
  parseGitConfig('[a "'.repeat(100_000));
  parseGitConfig(`${'\\'.repeat(300_000)}\n`.repeat(3));
  t.true(performance.now() - begin < 5000);
});

test('tags that name the source code are not among the others', (t) => {
  const tags = [
    ['team', 'x'],
    ['git.repository_url', 'https://a:b@c/d'],
    ['git.commit.sha', A],
  ] as const;
  t.deepEqual(withoutGitTags(tags), [['team', 'x']]);
});
