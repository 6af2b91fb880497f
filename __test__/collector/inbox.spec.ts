/** What applications leave in a folder is taken in, each profile once, and goes when it is kept. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { collectorOf } from '#src/collector/presence.js';
import type { Upload } from '#src/collector/store.js';
import { pruneInbox } from '#src/output/inbox.js';
import { keepWord } from '#src/output/process-file.js';
import { processPath } from '#src/output/process-name.js';
import type { Seed } from '#src/upload/seed.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { AUTO, run, start } from '../support/spawn.js';
import { givenSeed } from '../upload/support/process.js';
import { openCollector, until } from './support/collector.js';
import { givenProfile } from './support/upload.js';

const ID = '0d3c7f2c-0b6a-4b0d-9c1e-5b8e2a7f4c11';
const HOUR = 3_600_000;

/** Leaves a file as an application does: it is there whole, or not. */
function leave(folder: string, name: string, data: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(`${path}.tmp`, data);
  renameSync(`${path}.tmp`, path);
  return path;
}

function namesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('profile'));
}

/** All but the collector's own word. */
function leftIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name !== 'collector.json')
    .sort();
}

/** The word of a process whose number is nobody's. */
function givenWord(changes: Partial<Seed> = {}): Seed {
  const environment = { DD_SERVICE: 'shop', DD_ENV: 'prod', DD_TAGS: 'team:checkout' };
  return givenSeed({ runtimeId: ID, pid: 4_194_305, startTicks: 7, environment, ...changes });
}

/** A profile with its number, and the runtime id of a process. */
async function commentedProfile(number: number, runtimeId: string): Promise<Buffer> {
  const { Profile } = await import('pprof-format');
  const { gunzipSync } = await import('node:zlib');
  const profile = Profile.decode(gunzipSync(givenProfile(number)));
  profile.comment = ['another comment', `everflame.runtime-id:${runtimeId}`].map((text) =>
    profile.stringTable.dedup(text),
  );
  return gzipSync(profile.encode());
}

test('profiles that are there, and that come, are taken in with the tags of their process', async (t) => {
  const inbox = temporaryFolder(t);
  const seed = givenWord({ pid: process.pid, startTicks: givenSeed().startTicks });
  keepWord(inbox, seed);
  const first = await commentedProfile(1, ID);
  leave(inbox, `profile.${process.pid}.10.wall.pprof`, first);
  leave(inbox, `profile.${process.pid}.9.wall.pprof`, await commentedProfile(2, ID));
  const { store } = await openCollector(t, { inbox });
  await until(() => namesIn(inbox).length === 0, 'the first profiles');
  leave(inbox, `profile.${process.pid}.11.wall.pprof`, await commentedProfile(3, ID));
  await until(() => namesIn(inbox).length === 0, 'the next profile');
  t.is(store.uploads.length, 3);
  const [, upload] = store.uploads as [Upload, Upload];
  t.is(upload.service, 'shop');
  const tags = new Map(upload.tags);
  t.is(tags.get('runtime-id'), ID);
  t.is(tags.get('env'), 'prod');
  t.is(tags.get('team'), 'checkout');
  t.is(tags.get('process_id'), String(process.pid));
  t.false(tags.has('service') || tags.has('profile_seq'));
  t.regex(upload.client, /^everflame\/\d/);
  t.deepEqual(upload.profiles, [{ name: 'wall.pprof', format: 'pprof', data: first }]);
  t.is(upload.end - upload.start, 1_000_000_000n);
  // In the order of their numbers.
  t.true((store.uploads[0]?.start ?? 0n) > upload.start);
  // It lives, and may leave more.
  t.true(existsSync(processPath(inbox, ID)));
});

test('nothing goes before it is kept', async (t) => {
  const inbox = temporaryFolder(t);
  const { store, collector } = await openCollector(t, { inbox });
  store.failure = 'the disk is full';
  const path = leave(inbox, 'profile.1.0.wall.pprof', givenProfile());
  const tried = store.attempts;
  await until(() => store.attempts > tried, 'an attempt');
  t.true(existsSync(path));
  await collector.close();
  t.true(existsSync(path));
  // Whoever comes next takes it in; one that ended between the commit and the removal leaves what the store has already.
  const next = await openCollector(t, { inbox });
  await until(() => !existsSync(path), 'the removal');
  leave(inbox, 'profile.1.0.wall.pprof', givenProfile());
  await until(() => !existsSync(path), 'the second removal');
  t.is(next.store.uploads.length, 2);
});

test('what is no profile is set aside with one line, and others go on', async (t) => {
  const inbox = temporaryFolder(t);
  const outer = temporaryFolder(t, { secret: 'secret' });
  const bad: [name: string, data: Buffer | string][] = [
    ['profile.1.0.wall.pprof', 'no profile'],
    ['profile.1.1.wall.pprof', gzipSync('no profile')],
    ['profile.1.2.wall.pprof', givenProfile().subarray(0, 100)],
    ['profile.1.3.wall.pprof', gzipSync(Buffer.alloc(300 * 1024 * 1024))],
  ];
  for (const [name, data] of bad) leave(inbox, name, data);
  symlinkSync(join(outer, 'secret'), join(inbox, 'profile.1.4.wall.pprof'));
  mkdirSync(join(inbox, 'profile.1.5.wall.pprof'));
  leave(inbox, 'profile.1.6.wall.pprof', givenProfile(6));
  const { store, lines } = await openCollector(t, { inbox });
  await until(() => namesIn(inbox).length === 0, 'the files');
  t.is(store.uploads.length, 1);
  t.deepEqual(
    readdirSync(join(inbox, 'refused')).sort(),
    [0, 1, 2, 3, 4, 5].map((number) => `profile.1.${number}.wall.pprof`),
  );
  t.is(lines.length, 6, lines.join('\n'));
  for (const line of lines)
    t.regex(line, /is not taken in: .*\. It is set aside as .*\/refused\/profile\.1\.\d\.wall\.pprof\.$/);
  store.refuses = () => 'it has values below zero';
  leave(inbox, 'profile.1.7.wall.pprof', givenProfile(7));
  await until(() => namesIn(inbox).length === 0, 'the last file');
  t.regex(lines.at(-1) ?? '', /is not taken in: it has values below zero\./);
});

test('of what was set aside the newest stay', async (t) => {
  const inbox = temporaryFolder(t);
  for (let number = 0; number < 100; number++) leave(inbox, `profile.1.${number}.wall.pprof`, 'x');
  await openCollector(t, { inbox });
  await until(() => namesIn(inbox).length === 0, 'the files');
  t.is(readdirSync(join(inbox, 'refused')).length, 64);
});

test('a file without a byte waits for its content, and files of others stay', async (t) => {
  const inbox = temporaryFolder(t, {
    'notes.txt': 'kept',
    'profile.1.0.wall.pprof.x.tmp': 'kept',
    'other.1.0.wall.pprof': 'kept',
  });
  const path = leave(inbox, 'profile.1.0.wall.pprof', '');
  const { store } = await openCollector(t, { inbox });
  leave(inbox, 'profile.1.1.wall.pprof', givenProfile(1));
  await until(() => store.uploads.length === 1, 'the other profile');
  t.is(statSync(path).size, 0);
  leave(inbox, 'profile.1.0.wall.pprof', givenProfile());
  await until(() => store.uploads.length === 2, 'the content');
  const old = leave(inbox, 'profile.1.2.wall.pprof', '');
  utimesSync(old, 1, 1);
  await until(() => !existsSync(old), 'the end of its time');
  t.deepEqual(leftIn(inbox), [
    'notes.txt',
    'other.1.0.wall.pprof',
    'profile.1.0.wall.pprof.x.tmp',
    'refused',
  ]);
});

test('a folder that is removed and made anew is watched again', async (t) => {
  const inbox = join(temporaryFolder(t), '.everflame');
  const { store } = await openCollector(t, { inbox });
  rmSync(inbox, { recursive: true });
  mkdirSync(inbox);
  leave(inbox, 'profile.1.0.wall.pprof', givenProfile());
  await until(() => store.uploads.length === 1, 'the profile');
  t.deepEqual(store.uploads[0]?.tags, [['process_id', '1']]);
  t.is(store.uploads[0]?.service, 'unnamed-node-service');
});

test('the word of a process goes with its last profile', async (t) => {
  const inbox = temporaryFolder(t);
  const ended = givenWord();
  const living = givenSeed({ runtimeId: '11111111-0b6a-4b0d-9c1e-5b8e2a7f4c11' });
  for (const seed of [ended, living]) keepWord(inbox, seed);
  leave(inbox, `profile.${ended.pid}.0.wall.pprof`, await commentedProfile(0, ID));
  const { store } = await openCollector(t, { inbox });
  await until(() => !existsSync(processPath(inbox, ID)), 'the removal');
  t.is(store.uploads[0]?.service, 'shop');
  t.true(existsSync(processPath(inbox, living.runtimeId)));
});

test('without a collector it goes by age, later than the last profile', async (t) => {
  const inbox = temporaryFolder(t);
  const seed = givenWord();
  const path = processPath(inbox, ID);
  const limits = { age: HOUR, bytes: 1e9, writing: HOUR };
  keepWord(inbox, seed);
  t.is(statSync(path).mode & 0o777, 0o600);
  const profile = leave(inbox, 'profile.1.0.wall.pprof', 'x');
  const now = Date.now();
  await pruneInbox(join(inbox, 'profile'), now + 1.5 * HOUR, limits);
  t.deepEqual([existsSync(profile), existsSync(path)], [false, true]);
  await pruneInbox(join(inbox, 'profile'), now + 2.5 * HOUR, limits);
  t.false(existsSync(path));
  // It is there with each profile that comes.
  keepWord(inbox, seed);
  utimesSync(path, 1, 1);
  keepWord(inbox, seed);
  await pruneInbox(join(inbox, 'profile'), now + HOUR, limits);
  t.true(existsSync(path));
});

/** Runs a program in a folder of its own, in which profiles are kept as nobody says where they go. */
async function ofProgram(
  t: ExecutionContext,
  env: Record<string, string>,
): Promise<{ uploads: Upload[]; inbox: string; pid: number }> {
  const folder = temporaryFolder(t, { 'app.js': `${BURN}\nburn(300);` });
  const inbox = join(folder, '.everflame');
  const ended = await run(process.execPath, ['-r', AUTO, 'app.js'], {
    cwd: folder,
    env: { DD_SERVICE: 'shop', DD_ENV: 'test', EVERFLAME_EXPORTERS: 'local', ...env },
  });
  t.is(ended.code, 0, ended.stderr);
  t.is(profilesIn(inbox).length, 1);
  const { store } = await openCollector(t, { inbox });
  await until(() => leftIn(inbox).length === 0, 'the profile and the word of its process');
  return { uploads: store.uploads, inbox, pid: ended.pid };
}

for (const engine of ['native', 'inspector']) {
  test.serial(`a program that has ended is known by its name: ${engine}`, async (t) => {
    const env: Record<string, string> = engine === 'native' ? {} : { EVERFLAME_ENGINE: engine };
    const { uploads, pid } = await ofProgram(t, env);
    t.is(uploads.length, 1);
    const [upload] = uploads as [Upload];
    t.is(upload.service, 'shop');
    const tags = new Map(upload.tags);
    t.is(tags.get('env'), 'test');
    t.is(tags.get('process_id'), String(pid));
    t.regex(tags.get('runtime-id') ?? '', /^[0-9a-f-]{36}$/);
    t.true(upload.end > upload.start);
  });
}

test.serial('a program that a signal ends is known too', async (t) => {
  const folder = temporaryFolder(t, { 'app.js': `console.log('runs'); setInterval(() => undefined, 1000);` });
  const inbox = join(folder, '.everflame');
  const program = start(process.execPath, ['-r', AUTO, 'app.js'], {
    cwd: folder,
    env: { DD_SERVICE: 'shop', EVERFLAME_EXPORTERS: 'local' },
  });
  await program.said('runs');
  program.child.kill('SIGTERM');
  await program.ended;
  const { store } = await openCollector(t, { inbox });
  await until(() => leftIn(inbox).length === 0, 'the profile and the word of its process');
  t.deepEqual(
    store.uploads.map(({ service }) => service),
    ['shop'],
  );
});

test('word of a collector is in its inbox as long as it runs, and an inbox that cannot be is told', async (t) => {
  const inbox = join(temporaryFolder(t), 'inbox');
  const { collector } = await openCollector(t, { inbox });
  t.is(collectorOf(inbox), collector.addresses[0]);
  await collector.close();
  t.is(collectorOf(inbox), undefined);
  t.deepEqual(readdirSync(inbox), []);
  const file = join(temporaryFolder(t, { file: 'no folder' }), 'file');
  await t.throwsAsync(openCollector(t, { inbox: join(file, 'inbox') }), {
    code: 'NO_INBOX',
    message: /^profiles cannot be taken out of .*: ENOTDIR.*\. Name another folder with --inbox$/,
  });
});

for (const engine of ['native', 'inspector']) {
  test.serial(
    `profiles in an inbox are their user's alone, those in a folder with a name are not: ${engine}`,
    async (t) => {
      const folder = temporaryFolder(t);
      const env = {
        TMPDIR: temporaryFolder(t),
        ...(engine === 'native' ? {} : { EVERFLAME_ENGINE: engine }),
      };
      // One that was there before keeps its rights.
      mkdirSync(join(folder, '.everflame'), { mode: 0o755 });
      const script = `${BURN} burn(50);`;
      for (const variables of [
        { EVERFLAME_EXPORTERS: 'local' },
        { DD_PROFILING_OUTPUT_PPROF: 'named/profile' },
      ]) {
        const { code, stderr } = await run(process.execPath, ['--require', AUTO, '-e', script], {
          cwd: folder,
          env: { ...env, ...variables },
        });
        t.is(code, 0, stderr);
      }
      const modes = (name: string): number[] =>
        profilesIn(join(folder, name)).map((path) => statSync(path).mode & 0o777);
      t.deepEqual(modes('.everflame'), [0o600]);
      t.deepEqual(modes('named'), [0o666 & ~process.umask()]);
    },
  );
}
