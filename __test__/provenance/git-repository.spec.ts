import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type GitMetadata, resolveGitMetadata } from '#src/provenance/git-metadata.js';
import type { Result } from '#src/provenance/result.js';
import { temporaryFolder } from '../support/folder.js';
import { run } from '../support/spawn.js';
import { commit, git, repository } from './support/git.js';
import { layOut } from './support/tree.js';

/** The line for a repository that is there and cannot be read, for the reason. */
function unread(path: string, reason: string): string {
  return `The git repository ${path} cannot be read: ${reason}. Let the program read it, or name the source code with DD_GIT_REPOSITORY_URL and DD_GIT_COMMIT_SHA.`;
}

/** What is found for a program that is started in a folder. */
function lookFrom(
  workingDirectory: string,
  environment: NodeJS.ProcessEnv = {},
  entryPoint?: string,
): Result<GitMetadata> {
  const program = entryPoint === undefined ? { workingDirectory } : { workingDirectory, entryPoint };
  return resolveGitMetadata({ ...program, environment, tags: [] });
}

test('commit and origin of a repository are found, from its folder and from one below', (t) => {
  const folder = temporaryFolder(t);
  const commitSha = repository(folder);
  git(folder, 'remote', 'add', 'fork', 'https://example.com/fork.git');
  git(folder, 'remote', 'add', 'origin', 'https://ada:secret@example.com/acme/shop.git');
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  const expected = { value: { commitSha, repositoryUrl: 'https://example.com/acme/shop.git' }, warnings: [] };
  t.deepEqual(lookFrom(folder), expected);
  t.deepEqual(lookFrom(join(folder, 'a/b')), expected);
});

test("the program's own folder counts before the working directory, and for a package's script the working directory alone", (t) => {
  const folder = temporaryFolder(t);
  const [app, here, tools] = ['app', 'here', 'tools'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const [ofApp, ofHere] = [repository(app), repository(here)];
  repository(tools);
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  t.is(lookFrom(here, {}, join(app, 'dist/main.js')).value.commitSha, ofApp);
  t.is(lookFrom(here, {}, '../app/main.js').value.commitSha, ofApp);
  t.is(lookFrom(here, {}, join(empty, 'main.js')).value.commitSha, ofHere);
  // A version manager keeps its global packages in a repository of its own.
  t.is(lookFrom(here, {}, join(tools, 'lib/node_modules/pm2/bin/pm2')).value.commitSha, ofHere);
  t.deepEqual(lookFrom(empty, {}, join(tools, 'lib/node_modules/pm2/bin/pm2')).value, {});
});

test('a commit is found by packed refs, by a detached head, and by refs that name refs', (t) => {
  const folder = temporaryFolder(t);
  const first = repository(folder);
  git(folder, 'tag', '--annotate', '--message', 'peeled', 'v1');
  git(folder, 'pack-refs', '--all');
  t.false(existsSync(join(folder, '.git/refs/heads/main')));
  t.is(lookFrom(folder).value.commitSha, first);
  // The loose ref is newer than the packed one.
  const second = commit(folder);
  t.is(lookFrom(folder).value.commitSha, second);
  git(folder, 'checkout', '--quiet', '--detach', first);
  t.is(lookFrom(folder).value.commitSha, first);
  git(folder, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
  git(folder, 'symbolic-ref', 'HEAD', 'refs/heads/alias');
  t.is(lookFrom(folder).value.commitSha, second);
});

test('refs that name each other, or no ref at all, end without a commit, and one line says what to do', (t) => {
  const folder = temporaryFolder(t);
  repository(folder);
  const neither = (shown: string): string => `"HEAD" is ${shown}, which is neither a commit nor a ref`;
  const heads: [head: string, reason: string][] = [
    ['ref: refs/heads/a', 'more than 5 of its refs name each other'],
    ['ref: ../../secret', neither('"ref: ../../secret"')],
    ['ref: refs/../../../etc/hostname', neither('"ref: refs/../../../etc/hostname"')],
    ['ref:', neither('"ref:"')],
    ['x', neither('"x"')],
    ['', neither('""')],
    ['0'.repeat(41), neither(`"${'0'.repeat(41)}"`)],
    ['0'.repeat(40), neither(`"${'0'.repeat(40)}"`)],
    ['\0', neither('"_"')],
  ];
  for (const [head, reason] of heads) {
    writeFileSync(join(folder, '.git/HEAD'), `${head}\n`);
    writeFileSync(join(folder, '.git/refs/heads/a'), 'ref: refs/heads/b\n');
    writeFileSync(join(folder, '.git/refs/heads/b'), 'ref: refs/heads/a\n');
    const warnings = [unread(join(folder, '.git'), reason)];
    t.deepEqual(lookFrom(folder), { value: {}, warnings }, head);
  }
});

test('a repository without a commit has its address alone', (t) => {
  const folder = temporaryFolder(t);
  git(folder, 'init', '--quiet');
  git(folder, 'remote', 'add', 'origin', 'git@github.com:acme/shop.git');
  const repositoryUrl = 'git@github.com:acme/shop.git';
  t.deepEqual(lookFrom(folder), { value: { repositoryUrl }, warnings: [] });
});

test('a working tree that was added has its own commit and the address of its repository', (t) => {
  const folder = temporaryFolder(t);
  const [main, tree] = [join(folder, 'main'), join(folder, 'tree')];
  repository(main);
  git(main, 'remote', 'add', 'origin', 'https://example.com/acme/shop.git');
  git(main, 'worktree', 'add', '--quiet', '-b', 'other', tree);
  const commitSha = commit(tree);
  const expected = { commitSha, repositoryUrl: 'https://example.com/acme/shop.git' };
  t.deepEqual(lookFrom(tree).value, expected);
  git(main, 'pack-refs', '--all');
  t.deepEqual(lookFrom(tree).value, expected);
  git(tree, 'checkout', '--quiet', '--detach');
  t.deepEqual(lookFrom(tree).value, expected);
  t.not(lookFrom(main).value.commitSha, commitSha);
});

test('a submodule has its own commit and address', (t) => {
  const folder = temporaryFolder(t);
  const [library, shop] = [join(folder, 'library'), join(folder, 'shop')];
  const commitSha = repository(library);
  repository(shop);
  git(shop, 'submodule', 'add', '--quiet', library, 'library');
  git(join(shop, 'library'), 'remote', 'set-url', 'origin', 'https://example.com/acme/library.git');
  t.deepEqual(lookFrom(join(shop, 'library')).value, {
    commitSha,
    repositoryUrl: 'https://example.com/acme/library.git',
  });
});

test('the commits of a repository with SHA-256 have 64 digits', (t) => {
  const folder = temporaryFolder(t);
  const commitSha = repository(folder, '--object-format=sha256');
  t.is(commitSha.length, 64);
  t.is(lookFrom(folder).value.commitSha, commitSha);
  git(folder, 'pack-refs', '--all');
  t.is(lookFrom(folder).value.commitSha, commitSha);
});

test('the only remote is taken, and none of two without an origin', (t) => {
  const folder = temporaryFolder(t);
  repository(folder);
  git(folder, 'remote', 'add', 'up/stream.x', 'https://example.com/up.git');
  t.is(lookFrom(folder).value.repositoryUrl, 'https://example.com/up.git');
  git(folder, 'remote', 'add', 'fork', 'https://example.com/fork.git');
  t.is(lookFrom(folder).value.repositoryUrl, undefined);
});

test('a remote that only this machine knows is none', (t) => {
  const folder = temporaryFolder(t);
  repository(folder);
  for (const url of ['/srv/git/shop.git', '../shop', 'file:///srv/git/shop.git', 'C:\\git\\shop']) {
    git(folder, 'config', 'remote.origin.url', url);
    t.is(lookFrom(folder).value.repositoryUrl, undefined, url);
  }
});

test('refs in tables cannot be read, and it is told what to do', (t) => {
  const folder = temporaryFolder(t);
  // As git 2.45 and later lay it out with --ref-format=reftable.
  layOut(folder, {
    '.git/HEAD': 'ref: refs/heads/.invalid\n',
    '.git/refs/heads': 'this repository uses the reftable format\n',
    '.git/reftable/tables.list': '0x000000000001-0x000000000002-a1b2c3d4.ref\n',
    '.git/config':
      '[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n[remote "origin"]\n\turl = https://example.com/acme/shop\n',
  });
  const { value, warnings } = lookFrom(folder);
  t.deepEqual(value, { repositoryUrl: 'https://example.com/acme/shop' });
  t.deepEqual(warnings, [
    `The git repository ${join(folder, '.git')} keeps its refs in the reftable format, which cannot be read. Name the commit with DD_GIT_COMMIT_SHA.`,
  ]);
  // As git 2.52 and later have it with refs at another place.
  git(folder, 'config', '--file', '.git/config', 'extensions.refStorage', `reftable://${folder}/refs`);
  t.deepEqual(lookFrom(folder).warnings, warnings);
  const commitSha = 'a'.repeat(40);
  t.deepEqual(lookFrom(folder, { DD_GIT_COMMIT_SHA: commitSha }), {
    value: { commitSha, repositoryUrl: 'https://example.com/acme/shop' },
    warnings: [],
  });
});

test('DD_GIT_FOLDER_PATH names another repository, by its folder, its file or the folder above', (t) => {
  const folder = temporaryFolder(t);
  const [main, tree, here] = ['main', 'tree', 'here'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const ofMain = repository(main);
  git(main, 'worktree', 'add', '--quiet', '-b', 'other', tree);
  const ofTree = commit(tree);
  repository(here);
  t.is(lookFrom(here, { DD_GIT_FOLDER_PATH: join(main, '.git') }).value.commitSha, ofMain);
  t.is(lookFrom(here, { DD_GIT_FOLDER_PATH: '../main' }).value.commitSha, ofMain);
  t.is(lookFrom(here, { DD_GIT_FOLDER_PATH: join(tree, '.git') }).value.commitSha, ofTree);
  const { value, warnings } = lookFrom(here, { DD_GIT_FOLDER_PATH: '/nowhere/.git' });
  t.deepEqual(value, {});
  t.deepEqual(warnings, [
    'DD_GIT_FOLDER_PATH is "/nowhere/.git", but no git repository can be read there. Name the .git folder.',
  ]);
});

test('a .git that is none ends the search where it ends that of git, and one line says why and what to do', (t) => {
  const folder = temporaryFolder(t);
  const outer = repository(folder);
  const made: Record<string, [make: (path: string) => void, reason: string]> = {
    loop: [(path) => symlinkSync('.git', path), "ELOOP: too many symbolic links encountered, stat '<path>'"],
    itself: [(path) => writeFileSync(path, 'gitdir: .git\n'), 'it names "<path>", where no folder is'],
    nothing: [(path) => writeFileSync(path, ''), '<path> names no folder'],
    binary: [(path) => writeFileSync(path, Buffer.alloc(5000, 0xff)), '<path> has more than 4096 bytes'],
    away: [(path) => writeFileSync(path, 'gitdir: /nowhere\n'), 'it names "/nowhere", where no folder is'],
    pipe: [(path) => execFileSync('mkfifo', [path]), '<path> is no file'],
    huge: [
      (path) => {
        mkdirSync(path);
        writeFileSync(join(path, 'HEAD'), 'ref: refs/heads/main\n'.repeat(1000));
      },
      '<path>/HEAD has more than 4096 bytes',
    ],
    headless: [(path) => mkdirSync(join(path, 'refs'), { recursive: true }), 'it has no HEAD'],
  };
  // Files, as in a submodule: what lies above is of another commit.
  const ends = new Set(['itself', 'nothing', 'binary', 'away']);
  for (const [name, [make, reason]] of Object.entries(made)) {
    const path = join(folder, name, '.git');
    mkdirSync(join(folder, name));
    make(path);
    const { value, warnings } = lookFrom(folder, {}, join(folder, name, 'main.js'));
    t.deepEqual(value, ends.has(name) ? {} : { commitSha: outer }, name);
    if (ends.has(name)) t.throws(() => git(join(folder, name), 'rev-parse', 'HEAD'), undefined, name);
    else t.is(git(join(folder, name), 'rev-parse', 'HEAD').trim(), outer, name);
    const shown = name === 'itself' && path.length > 60 ? `${path.slice(0, 60)}…` : path;
    t.deepEqual(warnings, [unread(path, reason.replace('<path>', shown))], name);
    const named = { DD_GIT_REPOSITORY_URL: 'https://example.com/acme/shop', DD_GIT_COMMIT_SHA: outer };
    t.deepEqual(lookFrom(join(folder, name), named).warnings, [], name);
  }
});

test('an empty .git hides nothing, and what is outside of a repository is no trouble', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, '.git'));
  t.deepEqual(lookFrom(folder), { value: {}, warnings: [] });
  const outer = repository(join(folder, 'outer'));
  mkdirSync(join(folder, 'outer/inner/.git'), { recursive: true });
  t.deepEqual(lookFrom(join(folder, 'outer/inner')), { value: { commitSha: outer }, warnings: [] });
  mkdirSync(join(folder, 'none/below'), { recursive: true });
  t.deepEqual(lookFrom(join(folder, 'none/below')), { value: {}, warnings: [] });
});

test('a repository that the program may not read is told of once, with what to do', async (t) => {
  const folder = temporaryFolder(t);
  const commitSha = repository(folder);
  git(folder, 'remote', 'add', 'origin', 'https://example.com/acme/shop');
  chmodSync(folder, 0o755);
  const path = join(folder, '.git');
  const ref = join(path, 'refs/heads/main');
  const module = join(process.cwd(), 'dist/src/provenance/git-metadata.js');
  // To root no file is closed.
  const script = `
    const { resolveGitMetadata } = require(${JSON.stringify(module)});
    if (process.getuid() === 0) process.setuid(54321);
    const question = { workingDirectory: ${JSON.stringify(folder)}, environment: {}, tags: [] };
    console.log(JSON.stringify(resolveGitMetadata(question)));`;
  const repositoryUrl = 'https://example.com/acme/shop';
  const denied = (call: string, file: string): string => `EACCES: permission denied, ${call} '${file}'`;
  const cases: [closed: string, value: object, reason: string][] = [
    [path, {}, denied('stat', join(path, 'HEAD'))],
    [join(path, 'HEAD'), {}, denied('open', join(path, 'HEAD'))],
    [join(path, 'config'), { commitSha }, denied('open', join(path, 'config'))],
    [ref, { repositoryUrl }, denied('open', ref)],
  ];
  for (const [closed, value, reason] of cases) {
    const { mode } = statSync(closed);
    chmodSync(closed, 0);
    const end = await run(process.execPath, ['-e', script], { cwd: '/' });
    chmodSync(closed, mode);
    t.deepEqual(JSON.parse(end.stdout), { value, warnings: [unread(path, reason)] }, closed);
  }
});

test('files that are too large, pipes or gone inside a repository leave what they would tell', (t) => {
  const folder = temporaryFolder(t);
  const commitSha = repository(folder);
  git(folder, 'remote', 'add', 'origin', 'https://example.com/acme/shop');
  const config = join(folder, '.git/config');
  writeFileSync(config, `# ${'x'.repeat(2 ** 20)}\n`);
  const path = join(folder, '.git');
  let warnings = [unread(path, `${config} has more than 1048576 bytes`)];
  t.deepEqual(lookFrom(folder), { value: { commitSha }, warnings });
  rmSync(config);
  execFileSync('mkfifo', [config]);
  warnings = [unread(path, `${config} is no file`)];
  t.deepEqual(lookFrom(folder), { value: { commitSha }, warnings });
  const packed = join(path, 'packed-refs');
  rmSync(join(path, 'refs'), { recursive: true });
  execFileSync('mkfifo', [packed]);
  t.deepEqual(lookFrom(folder), { value: {}, warnings }, 'one line for one repository');
  rmSync(config);
  warnings = [unread(path, `${packed} is no file`)];
  t.deepEqual(lookFrom(folder), { value: {}, warnings });
});

test('a ref is found among a hundred thousand packed ones', (t) => {
  const folder = temporaryFolder(t);
  const commitSha = repository(folder);
  git(folder, 'pack-refs', '--all');
  const others = Array.from({ length: 100_000 }, (_, index) => `${'b'.repeat(40)} refs/heads/main${index}\n`);
  const text = `# pack-refs with: peeled fully-peeled sorted\n${others.join('')}${commitSha} refs/heads/main\n`;
  writeFileSync(join(folder, '.git/packed-refs'), text);
  const begin = performance.now();
  t.is(lookFrom(folder).value.commitSha, commitSha);
  t.log(`${(performance.now() - begin).toFixed(1)} ms`);
});
