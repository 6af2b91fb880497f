import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { pruneInbox, pruneInboxSync } from '#src/output/inbox.js';
import { profilePath, writeFailure, writeProfile, writeProfileSync } from '#src/output/pprof-file.js';
import { temporaryFolder } from '../support/folder.js';
import { AUTO, run } from '../support/spawn.js';

test('a profile is there whole or not at all, by both ways of writing', async (t) => {
  const folder = temporaryFolder(t);
  const data = Buffer.from('profile');
  await writeProfile(profilePath(join(folder, 'p'), 0), data);
  writeProfileSync(profilePath(join(folder, 'p'), 1), data);
  t.deepEqual(
    readdirSync(folder).sort(),
    [0, 1].map((number) => `p.${process.pid}.${number}.wall.pprof`),
  );
  // Naming it fails after the temporary file was written: nothing may stay of that.
  const target = join(folder, 'blocked');
  await writeProfile(join(target, 'x'), data);
  await t.throwsAsync(writeProfile(target, data), { message: /is there already/ });
  t.throws(() => writeProfileSync(target, data), { message: /is there already/ });
  t.false(readdirSync(folder).some((name) => name.endsWith('.tmp')));
});

test('no file is written over and none twice, by both ways of writing', async (t) => {
  const folder = temporaryFolder(t);
  const path = (number: number): string => profilePath(join(folder, 'p'), number);
  // Of the process with the same number in another container.
  for (const number of [0, 1]) writeFileSync(path(number), `other ${number}`);
  for (const data of ['async', 'async', 'sync', 'sync'].map((text) => Buffer.from(text))) {
    if (data.equals(Buffer.from('async'))) await writeProfile(path(0), data);
    else writeProfileSync(path(0), data);
  }
  t.deepEqual(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    ['other 0', 'other 1', 'async', 'sync'].map((text, number) => [
      `p.${process.pid}.${number}.wall.pprof`,
      text,
    ]),
  );
});

test('no file is written over where none may have a second name', async (t) => {
  const folder = temporaryFolder(t);
  const script = `const fs = require('node:fs');
    const refuse = () => { throw Object.assign(new Error('EPERM'), { code: 'EPERM' }); };
    fs.linkSync = refuse;
    fs.promises.link = async () => refuse();
    const { writeProfile, writeProfileSync } = require(${JSON.stringify(join(process.cwd(), 'dist/src/output/pprof-file.js'))});
    fs.writeFileSync('p.1.0.wall.pprof', 'other');
    writeProfileSync('p.1.0.wall.pprof', Buffer.from('sync'));
    writeProfile('p.1.0.wall.pprof', Buffer.from('async')).then(() => {
      for (const name of fs.readdirSync('.').sort()) console.log(name, fs.readFileSync(name, 'utf8'));
    });`;
  const end = await run(process.execPath, ['-e', script], { cwd: folder });
  t.is(
    end.stdout,
    ['other', 'sync', 'async'].map((text, number) => `p.1.${number}.wall.pprof ${text}\n`).join(''),
    end.stderr,
  );
});

test('a full disk is told as such, with the remedy', async (t) => {
  // A limit of the process on the size of files stands for a disk without room: the write fails half-way.
  const folder = temporaryFolder(t);
  const script = `
    process.on('SIGXFSZ', () => {});
    const { writeProfileSync, writeFailure } = require(${JSON.stringify(join(process.cwd(), 'dist/src/output/pprof-file.js'))});
    try { writeProfileSync('big', Buffer.alloc(1 << 20)); } catch (error) { console.log(writeFailure('big', error)); }
    console.log(require('node:fs').readdirSync('.').length);`;
  const end = await run('sh', ['-c', `ulimit -f 8; exec "$0" -e "$1"`, process.execPath, script], {
    cwd: folder,
  });
  t.regex(
    end.stdout,
    /^cannot write profiles to big: EFBIG.* The disk is full: free space, or name another place .* The program goes on\.\n0\n$/,
  );
});

test('each kind of failure has its remedy', (t) => {
  const failure = (code: string): string =>
    writeFailure('/x/p', Object.assign(new Error(`${code}: reason`), { code }));
  for (const [code, words] of [
    ['ENOSPC', 'The disk is full'],
    ['EDQUOT', 'The disk is full'],
    ['EROFS', 'read-only'],
    ['EACCES', 'Give this user the right'],
    ['ENOTDIR', 'not a directory'],
    ['EIO', 'Check the path'],
  ] as const) {
    const sentence = failure(code);
    t.true(sentence.startsWith(`cannot write profiles to /x/p: ${code}: reason. `), sentence);
    t.true(sentence.includes(words), sentence);
    t.true(sentence.includes('DD_PROFILING_OUTPUT_PPROF=<prefix> or --output <dir>'), sentence);
  }
});

test('an inbox keeps the newest profiles within its limits, and nothing else is touched', async (t) => {
  const folder = temporaryFolder(t, { 'notes.txt': 'mine' });
  const now = 1_000_000_000_000;
  for (let hour = 0; hour < 6; hour++) {
    const path = join(folder, `p.1.${hour}.wall.pprof`);
    writeFileSync(path, 'x'.repeat(100));
    utimesSync(path, (now - hour * 3_600_000) / 1000, (now - hour * 3_600_000) / 1000);
  }
  const written = (name: string, hours: number): void => {
    writeFileSync(join(folder, name), 'half');
    utimesSync(join(folder, name), now / 1000 - hours * 3600, now / 1000 - hours * 3600);
  };
  // What killed writers have left, by each way of writing, and what a living one writes.
  written('p.1.9.wall.pprof.tmp', 1.1);
  written('p.1.8.wall.pprof.exit.tmp', 1.1);
  written('p.1.7.wall.pprof.tmp', 0.9);
  written('other.tmp', 1.1);
  // A name of one's own in the same folder.
  written('p.before-fix.1.0.wall.pprof', 48);
  const limits = { age: 4.5 * 3_600_000, bytes: 1000, writing: 3_600_000 };
  await pruneInbox(join(folder, 'p'), now, limits);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    ['other.tmp', 'p.1.7.wall.pprof.tmp'],
  );
  t.true(readdirSync(folder).includes('p.before-fix.1.0.wall.pprof'));
  rmSync(join(folder, 'p.before-fix.1.0.wall.pprof'));
  const profiles = (): string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.pprof'))
      .sort();
  t.deepEqual(
    profiles(),
    [0, 1, 2, 3, 4].map((hour) => `p.1.${hour}.wall.pprof`),
  );
  await pruneInbox(join(folder, 'p'), now, { ...limits, bytes: 250 });
  t.deepEqual(
    profiles(),
    [0, 1].map((hour) => `p.1.${hour}.wall.pprof`),
  );
  t.true(statSync(join(folder, 'notes.txt')).isFile());
});

test('a program shorter than a period tidies the inbox when it ends, and nothing but the inbox', async (t) => {
  const folder = temporaryFolder(t);
  const old = ['profile.1.0.wall.pprof', 'profile.1.1.wall.pprof.tmp'];
  const young = ['profile.1.2.wall.pprof', 'profile.1.3.wall.pprof.tmp'];
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  const fill = (name: string): void => {
    mkdirSync(join(folder, name));
    for (const file of [...old, ...young]) writeFileSync(join(folder, name, file), 'x');
    for (const file of old) utimesSync(join(folder, name, file), dayAgo, dayAgo);
  };
  const left = (name: string): string[] =>
    readdirSync(join(folder, name)).filter((file) => file.startsWith('profile.1.'));
  for (const engine of ['auto', 'inspector']) {
    fill('.everflame');
    const end = await run(process.execPath, ['--require', AUTO, '-e', ''], {
      cwd: folder,
      env: { EVERFLAME_ENGINE: engine },
    });
    t.regex(end.stderr, /^everflame: profiles are kept in \S+\.everflame: .*\n$/);
    t.deepEqual(left('.everflame'), young);
    rmSync(join(folder, '.everflame'), { recursive: true });
  }
  fill('named');
  const env = { EVERFLAME_ENGINE: 'inspector', DD_PROFILING_OUTPUT_PPROF: join(folder, 'named', 'profile') };
  await run(process.execPath, ['--require', AUTO, '-e', ''], { cwd: folder, env });
  t.is(left('named').length, 4);
});

test('the end of a process looks at an inbox no longer than it may, and comes through it in the end', (t) => {
  const folder = temporaryFolder(t);
  const count = 500;
  for (let number = 0; number < count; number++) {
    const path = join(folder, `p.1.${number}.wall.pprof`);
    writeFileSync(path, '');
    utimesSync(path, 1, 1);
  }
  const left = (): number => readdirSync(folder).length;
  const rounds: number[] = [];
  while (left() > 0 && rounds.length < count) {
    const before = left();
    pruneInboxSync(join(folder, 'p'), 0);
    rounds.push(before - left());
  }
  t.is(left(), 0);
  t.true(
    rounds.every((removed) => removed > 0 && removed < count / 2),
    rounds.join(),
  );
});

test('a user without a name has an inbox too', async (t) => {
  // A number that no password file has. Only root may take it; elsewhere the look-up of the name fails as it would then.
  const script = `
    const { inboxPrefix } = require(${JSON.stringify(join(process.cwd(), 'dist/src/output/inbox.js'))});
    if (process.getuid() === 0) process.setuid(54321);
    else require('node:os').userInfo = () => { throw new Error('no such user'); };
    console.log(process.getuid(), inboxPrefix('.', console.error));`;
  // Nobody can make a folder in /proc, so the directory for temporary files is what is left.
  const end = await run(process.execPath, ['-e', script], { cwd: '/proc', env: { TMPDIR: '/tmp' } });
  t.is(end.code, 0, end.stderr);
  const [uid, prefix] = end.stdout.trim().split(' ');
  t.is(prefix, `/tmp/everflame-${uid}/profile`);
});

test('a folder for temporary files that somebody else has made, or a link, is not used', async (t) => {
  const folder = temporaryFolder(t);
  const uid = process.getuid?.() as number;
  const name = join(folder, `everflame-${uid}`);
  const script = `console.log(require(${JSON.stringify(join(process.cwd(), 'dist/src/output/inbox.js'))}).inboxPrefix('.', console.error));`;
  const prefix = async () =>
    (await run(process.execPath, ['-e', script], { cwd: '/proc', env: { TMPDIR: folder } })).stdout.trim();
  t.is(await prefix(), join(name, 'profile'));
  t.is(statSync(name).mode & 0o777, 0o700);
  t.is(await prefix(), join(name, 'profile'), 'its own is used again');
  const isNew = async (what: string) => {
    const other = await prefix();
    t.true(other.startsWith(`${name}-`) && other.endsWith('/profile'), `${what}: ${other}`);
    t.is(statSync(dirname(other)).mode & 0o777, 0o700, what);
    t.is(await prefix(), other, 'each process of this user has the same, so that what one leaves is found');
    rmdirSync(dirname(other));
  };
  // What is there by such a name may be somebody else's too.
  mkdirSync(`${name}-000000`);
  chmodSync(`${name}-000000`, 0o777);
  symlinkSync('/', `${name}-000001`);
  chmodSync(name, 0o777);
  await isNew('open to everybody');
  rmdirSync(name);
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync(join(folder, 'elsewhere'), name);
  await isNew('a link');
});
