/** What processes that share a spool do to each other's profiles. The others are real, and end by SIGKILL. */
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HEARTBEAT_MILLISECONDS } from '#src/upload/owner.js';
import { makeSpoolFolder } from '#src/upload/seed.js';
import { temporaryFolder } from '../support/folder.js';
import { ROOT, type Running, start } from '../support/spawn.js';
import { HandClock } from './support/hand-clock.js';
import { type DeliveringProcess, ENDED, fates, givenProcess, givenSeed } from './support/process.js';

const HOUR = 3_600_000;

/**
 * A process with a folder in a spool: writes so many profiles there, or takes over what others have left, says which, and
 * stays.
 */
const OWNER = `
  const [root, modules, written, go] = process.argv.slice(2);
  const { existsSync, writeFileSync } = require('node:fs');
  const { seedOf, makeSpoolFolder } = require(modules + '/seed.js');
  const { Spool } = require(modules + '/spool.js');
  const { systemClock } = require(modules + '/clock.js');
  const seed = seedOf('manual', ['datadog'], undefined, {}, {});
  const folder = makeSpoolFolder(root, seed);
  const limits = { bytes: 2 ** 30, ageMilliseconds: 86400000 };
  for (let i = 0; i < Number(written); i++) {
    writeFileSync(folder + '/profile.' + process.pid + '.' + i + '.wall.pprof', 'a profile');
  }
  const spool = new Spool(root, folder, seed, limits, {}, systemClock);
  console.log('ready ' + seed.runtimeId);
  if (go) {
    // All at the same moment.
    while (!existsSync(go)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    const taken = spool.takeOver(() => true).map(({ file }) => file.base);
    console.log('taken ' + JSON.stringify(taken));
  }
  setInterval(() => undefined, 1000);`;

interface Owner {
  running: Running;
  runtimeId: string;
  /** Settles when it has ended, by SIGKILL. */
  kill(): Promise<void>;
  taken(): Promise<string[]>;
}

async function startOwner(t: ExecutionContext, root: string, written: number, go = ''): Promise<Owner> {
  const folder = temporaryFolder(t, { 'owner.cjs': OWNER });
  const modules = join(ROOT, 'dist', 'src', 'upload');
  const running = start(process.execPath, [join(folder, 'owner.cjs'), root, modules, String(written), go]);
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  t.teardown(kill);
  const said = await running.said('ready');
  return {
    running,
    runtimeId: /ready (\S+)/.exec(said)?.[1] ?? '',
    kill,
    taken: async () => JSON.parse(/^taken (.*)$/m.exec(await running.said('taken'))?.[1] ?? ''),
  };
}

function takenBy({ spool }: DeliveringProcess): number {
  return spool?.takeOver(() => true).length ?? 0;
}

/** Changes what a process says of itself in the spool. */
function changeSeed(root: string, runtimeId: string, changes: object): void {
  const path = join(root, runtimeId, 'process.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }));
}

test('of several processes that want the same at the same moment each profile goes to one', async (t) => {
  const root = temporaryFolder(t);
  const owners = await Promise.all([7, 11, 13].map((count) => startOwner(t, root, count)));
  for (const owner of owners) await owner.kill();
  const go = join(temporaryFolder(t), 'go');
  const takers = await Promise.all([1, 2, 3].map(() => startOwner(t, root, 0, go)));
  writeFileSync(go, '');
  const taken = (await Promise.all(takers.map((taker) => taker.taken()))).flat();
  t.is(taken.length, 31);
  t.is(new Set(taken).size, 31);
});

test('a living owner is not robbed, also one that is stopped, and a killed one is at once', async (t) => {
  const root = temporaryFolder(t);
  const owner = await startOwner(t, root, 5);
  const taker = givenProcess(t, { exporters: [], root });
  t.is(takenBy(taker), 0);
  owner.running.child.kill('SIGSTOP');
  taker.clock.forward(24 * HOUR);
  t.is(takenBy(taker), 0);
  await owner.kill();
  t.is(takenBy(taker), 5);
});

test('one that has ended and that its parent has forgotten counts as ended', async (t) => {
  if (!existsSync('/proc/self/stat')) return t.pass('there is no /proc: process numbers tell');
  const root = temporaryFolder(t);
  const folder = temporaryFolder(t, { 'owner.cjs': OWNER });
  const modules = join(ROOT, 'dist', 'src', 'upload');
  const command = [process.execPath, join(folder, 'owner.cjs'), root, modules, '3'];
  // The shell becomes another program, which never asks how its child has ended.
  const parent = start('sh', ['-c', '"$@" & exec sleep 60', 'sh', ...command]);
  t.teardown(async () => {
    parent.child.kill('SIGKILL');
    await parent.ended;
  });
  const runtimeId = /ready (\S+)/.exec(await parent.said('ready'))?.[1] ?? '';
  const { pid } = JSON.parse(readFileSync(join(root, runtimeId, 'process.json'), 'utf8'));
  const taker = givenProcess(t, { exporters: [], root });
  t.is(takenBy(taker), 0);
  process.kill(pid, 'SIGKILL');
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) await new Promise(setImmediate);
  t.is(takenBy(taker), 3);
});

test('what one had taken over when it was killed goes to the next', async (t) => {
  const root = temporaryFolder(t);
  const first = await startOwner(t, root, 5);
  await first.kill();
  const go = join(temporaryFolder(t), 'go');
  writeFileSync(go, '');
  const second = await startOwner(t, root, 2, go);
  t.is((await second.taken()).length, 5);
  const third = givenProcess(t, { exporters: [], root });
  t.is(takenBy(third), 0);
  await second.kill();
  t.is(takenBy(third), 7);
  third.spool?.close();
  t.deepEqual(
    readdirSync(root).sort(),
    [first.runtimeId, second.runtimeId].sort(),
    'given back, side by side',
  );
});

test('of one on another machine or in another container only its sign of life tells, and no clock', async (t) => {
  const root = temporaryFolder(t);
  const owner = await startOwner(t, root, 5);
  await owner.kill();
  changeSeed(root, owner.runtimeId, { namespace: 'another' });
  const path = join(root, owner.runtimeId, 'process.json');
  const clock = new HandClock();
  const taker = givenProcess(t, { exporters: [], root, clock });
  for (let minute = 0; minute < 60; minute++) {
    // Its clock is days behind or ahead, and it shows itself every minute.
    const seconds = 1_700_000_000 + 60 * minute * (minute % 2 ? -1 : 1);
    utimesSync(path, seconds, seconds);
    if (minute % 10 === 5) clock.set((minute % 20 ? 1 : -1) * 100 * HOUR);
    t.is(takenBy(taker), 0);
    clock.forward(HEARTBEAT_MILLISECONDS);
  }
  clock.forward(4 * HEARTBEAT_MILLISECONDS);
  t.is(takenBy(taker), 0);
  clock.forward(HEARTBEAT_MILLISECONDS);
  t.is(takenBy(taker), 5);
});

test('what an earlier start of this very process has left is taken when it shows nothing any more', (t) => {
  const root = temporaryFolder(t);
  const earlier = givenProcess(t, { exporters: [], root });
  writeFileSync(join(earlier.spool?.folder ?? '', 'profile.1.0.wall.pprof'), 'a profile');
  const taker = givenProcess(t, { exporters: [], root });
  t.is(takenBy(taker), 0);
  taker.clock.forward(6 * HEARTBEAT_MILLISECONDS);
  t.is(takenBy(taker), 1);
});

/** What may stand where a seed is to be. */
const SEEDS: unknown[] = [
  null,
  5,
  'text',
  [],
  {},
  { runtimeId: 'another' },
  { pid: 'one' },
  { options: null },
  { options: [] },
  { settings: 5 },
  { environment: { DD_TAGS: { a: 1 } } },
  { environment: [] },
  { exporters: 'datadog' },
  { activation: 'by chance' },
  { workingDirectory: 7 },
  { script: {} },
  { nodeVersion: null },
  { namespace: 3 },
];

test('a seed that says anything stops nobody, and its folder goes by its age', async (t) => {
  const root = temporaryFolder(t);
  for (const change of [...SEEDS, undefined]) {
    const seed = givenSeed({ ...ENDED, runtimeId: randomUUID() });
    const folder = makeSpoolFolder(root, seed);
    writeFileSync(join(folder, 'profile.1.0.wall.pprof'), 'a profile');
    const isObject = typeof change === 'object' && change !== null && !Array.isArray(change);
    const text = JSON.stringify(isObject ? { ...seed, ...change } : change);
    writeFileSync(join(folder, 'process.json'), text ?? '{"runtimeId":"cut');
  }
  const sound = makeSpoolFolder(root, givenSeed({ ...ENDED, runtimeId: randomUUID() }));
  writeFileSync(join(sound, 'profile.1.0.wall.pprof'), 'a profile');
  const taker = givenProcess(t, { exporters: [], root });
  const taken = takenBy(taker);
  t.is(taken, 2, 'the sound one, and the one that {} changes nothing of');
  taker.look();
  t.is(takenBy(taker), taken);
  taker.clock.forward(25 * HOUR);
  taker.look();
  t.deepEqual(readdirSync(root), [taker.seed.runtimeId]);
});

test("another user's folder is left alone", (t) => {
  const root = temporaryFolder(t);
  const folder = makeSpoolFolder(root, givenSeed({ ...ENDED, runtimeId: randomUUID() }));
  writeFileSync(join(folder, 'profile.1.0.wall.pprof'), 'a profile');
  const taker = givenProcess(t, { exporters: [], root, limits: { bytes: 1 } });
  const { getuid } = process;
  const uid = getuid?.() ?? 0;
  if (uid === 0) chownSync(folder, 65_534, 65_534);
  else process.getuid = () => uid + 1;
  try {
    t.is(takenBy(taker), 0);
    taker.clock.forward(48 * HOUR);
    taker.look();
    t.deepEqual(readdirSync(folder).sort(), ['process.json', 'profile.1.0.wall.pprof']);
  } finally {
    if (getuid) process.getuid = getuid;
  }
});

test('what a killed process was writing does not keep its folder', (t) => {
  const root = temporaryFolder(t);
  const folder = makeSpoolFolder(root, givenSeed({ ...ENDED, runtimeId: randomUUID() }));
  for (const name of ['json', 'code-provenance.json', 'wall.pprof.k3x.tmp']) {
    writeFileSync(join(folder, `profile.1.0.${name}`), 'a part');
  }
  const taker = givenProcess(t, { exporters: [], root });
  taker.look();
  t.false(existsSync(folder));
  t.deepEqual(fates(taker.counters), {});
});

test('a folder in which its process has only begun is left alone', (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, randomUUID());
  mkdirSync(folder);
  const taker = givenProcess(t, { exporters: [], root });
  taker.look();
  t.true(existsSync(folder));
});
