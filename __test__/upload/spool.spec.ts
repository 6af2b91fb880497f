/** The spool of one process, with whatever may stand in it. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { makeSpoolFolder } from '#src/upload/seed.js';
import { pathOf } from '#src/upload/spool-folder.js';
import { temporaryFolder } from '../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { agentExporter } from './support/exporters.js';
import {
  type DeliveringProcess,
  ENDED,
  fates,
  givenProcess,
  givenProfile,
  givenSeed,
  waiting,
} from './support/process.js';

const DAY = 86_400_000;

async function agent(t: ExecutionContext): Promise<DatadogReceiver> {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  return receiver;
}

/** A process whose profiles of these numbers wait in its spool. */
async function waitingProcess(t: ExecutionContext, root: string, numbers: number[], limits = {}) {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root, limits });
  await receiver.faults.refuse();
  sender.take(...numbers);
  await sender.dispatcher.rest();
  sender.clock.forward(1000);
  await sender.dispatcher.rest();
  return { receiver, sender, files: sender.spool?.own() ?? [] };
}

function numbersOf({ received }: DatadogReceiver): number[] {
  return received.map(({ tags }) => Number(tags.get('profile_seq')));
}

test('what is too much goes, the oldest first, and is counted as evicted', async (t) => {
  const root = temporaryFolder(t);
  const { receiver, sender, files } = await waitingProcess(t, root, [0, 1, 2, 3, 4, 5]);
  const byAge = [...files].sort((a, b) => a.base.localeCompare(b.base));
  for (const [index, file] of byAge.entries()) {
    const seconds = sender.clock.wall() / 1000 - 100 + index;
    utimesSync(pathOf(file), seconds, seconds);
  }
  // Profiles of the same content differ by a few bytes in their times.
  const kept = byAge.slice(-3).map(({ base }) => `${base}.`);
  const room =
    bytesOf(
      sender.spool?.folder,
      (name) => !name.startsWith('profile.') || kept.some((base) => name.startsWith(base)),
    ) + 100;
  const other = givenProcess(t, { exporters: [], root, limits: { bytes: room }, clock: sender.clock });
  t.deepEqual(other.spool?.tidy(), [], 'what a living process has is its own to remove');
  t.is(other.counters.spool_profiles, 6);

  const narrow = await waitingProcess(t, temporaryFolder(t), [0, 1, 2, 3, 4, 5], { bytes: room });
  for (const [index, file] of narrow.files.sort((a, b) => a.base.localeCompare(b.base)).entries()) {
    const seconds = narrow.sender.clock.wall() / 1000 - 100 + index;
    utimesSync(pathOf(file), seconds, seconds);
  }
  narrow.sender.look();
  t.deepEqual(fates(narrow.sender.counters), { uploads_taken: 6, uploads_evicted: 3 });
  t.true(narrow.sender.counters.spool_bytes <= room);
  t.is(narrow.sender.counters.spool_bytes, bytesOf(narrow.sender.spool?.folder));
  await narrow.receiver.faults.accept();
  await narrow.sender.untilSent();
  t.deepEqual(numbersOf(narrow.receiver), [3, 4, 5]);
  t.deepEqual(readdirSync(narrow.sender.spool?.folder ?? ''), ['process.json']);
  await receiver.close();
});

/** What files in a folder take, those of several names once. */
function bytesOf(folder = '', isCounted = (_name: string): boolean => true): number {
  const sizes = readdirSync(folder)
    .filter(isCounted)
    .map((name) => statSync(join(folder, name)))
    .map(({ ino, size }): [number, number] => [ino, size]);
  return [...new Map(sizes).values()].reduce((sum, size) => sum + size, 0);
}

/** A process with so much room in the spool, whose Agent takes nothing. */
function givenUnheard(t: ExecutionContext, bytes: number): DeliveringProcess {
  return givenProcess(t, {
    exporters: [agentExporter({ url: 'http://127.0.0.1:9' })],
    root: temporaryFolder(t),
    always: true,
    limits: { bytes },
    send: async () => ({ status: 503, headers: {}, body: Buffer.alloc(0) }),
  });
}

test('what goes with profiles counts too, and is there once while it is the same', async (t) => {
  const limit = 200_000;
  const sender = givenUnheard(t, limit);
  const folder = sender.spool?.folder ?? '';
  const take = (number: number, provenance: Buffer): void => {
    const upload = givenProfile(sender.identity, number);
    const beside = { name: 'code-provenance.json', data: provenance };
    sender.dispatcher.take({ ...upload, attachments: [...upload.attachments, beside] });
  };
  for (let number = 0; number < 10; number++) take(number, Buffer.alloc(50_000, 1));
  sender.look();
  t.is(sender.spool?.own().length, 10);
  const inodes = readdirSync(folder)
    .filter((name) => name.endsWith('.code-provenance.json'))
    .map((name) => statSync(join(folder, name)).ino);
  t.is(inodes.length, 10);
  t.is(new Set(inodes).size, 1);
  t.is(sender.counters.spool_bytes, bytesOf(folder));
  for (let number = 10; number < 20; number++) take(number, Buffer.alloc(50_000, number));
  sender.look();
  t.true(bytesOf(folder) <= limit, String(bytesOf(folder)));
  t.is(sender.counters.spool_bytes, bytesOf(folder));
  t.is(sender.spool?.own().length, waiting(sender.counters));
  t.is(sender.counters.uploads_evicted, 20 - waiting(sender.counters));
});

test('what is in the spool shows at once, and too much goes before the next look', async (t) => {
  const limit = 100_000;
  const sender = givenUnheard(t, limit);
  const folder = sender.spool?.folder ?? '';
  for (let number = 0; number < 50; number++) {
    const upload = givenProfile(sender.identity, number);
    const data = Buffer.alloc(10_000, number);
    sender.dispatcher.take({
      ...upload,
      attachments: [...upload.attachments, { name: 'code-provenance.json', data }],
    });
    t.is(sender.counters.spool_profiles, sender.spool?.own().length ?? 0);
    t.true(bytesOf(folder) < limit + 15_000);
  }
  t.true(sender.counters.uploads_evicted > 30);
  t.is(sender.counters.uploads_evicted + waiting(sender.counters), 50);
  for (const file of sender.spool?.own() ?? []) sender.spool?.remove(file);
  t.is(sender.counters.spool_profiles, 0);
});

test('what is too old goes, and is counted as expired', async (t) => {
  const { receiver, sender } = await waitingProcess(t, temporaryFolder(t), [0, 1]);
  sender.look();
  sender.clock.forward(DAY / 2);
  await sender.dispatcher.rest();
  sender.take(2);
  await sender.dispatcher.rest();
  sender.clock.forward(1000);
  await sender.dispatcher.rest();
  const [last] = sender.spool?.own().filter(({ base }) => base.endsWith('.2')) ?? [];
  if (last) utimesSync(pathOf(last), sender.clock.wall() / 1000, sender.clock.wall() / 1000);
  sender.clock.forward(DAY / 2 + 1000);
  await sender.dispatcher.rest();
  sender.look();
  t.deepEqual(fates(sender.counters), { uploads_taken: 3, uploads_expired: 2 });
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(numbersOf(receiver), [2]);
});

test('a profile that is being sent is not removed under the hands of its lane', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, {
    exporters: [agentExporter(receiver)],
    root: temporaryFolder(t),
    always: true,
    limits: { bytes: 1 },
  });
  receiver.faults.next({ kind: 'slow', milliseconds: 500 });
  sender.take(0);
  await new Promise(setImmediate);
  sender.dispatcher.tidy();
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_delivered: 1 });
  t.deepEqual(sender.spool?.own(), []);
});

const DAMAGES: Record<string, (path: string) => void> = {
  'of no bytes': (path) => writeFileSync(path, ''),
  'cut short': (path) => writeFileSync(path, readFileSync(path).subarray(0, 99)),
  'of other bytes': (path) => writeFileSync(path, 'not a profile'),
  'that is compressed and no profile': (path) => writeFileSync(path, gzipSync('not a profile')),
  'that is compressed nothing': (path) => writeFileSync(path, gzipSync('')),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`a profile ${what} is removed, told of and counted, and the others arrive`, async (t) => {
    const { receiver, sender, files } = await waitingProcess(t, temporaryFolder(t), [0, 1, 2]);
    const path = pathOf(files.find(({ base }) => base.endsWith('.1')) ?? files[0] ?? t.fail());
    damage(path);
    await receiver.faults.accept();
    await sender.untilSent();
    t.deepEqual(numbersOf(receiver), [0, 2]);
    t.deepEqual(fates(sender.counters), { uploads_taken: 3, uploads_delivered: 2, uploads_damaged: 1 });
    t.is(sender.lines.filter((line) => line.includes(path) && line.includes('is damaged')).length, 1);
    t.false(existsSync(path));
  });
}

/** What may stand where a note is to be. */
const NOTES: unknown[] = [
  null,
  [],
  'text',
  { pending: 5 },
  { sequence: -1 },
  { start: '9'.repeat(100_000) },
  { start: '999999999999999999999' },
  { attachments: ['../../../etc/passwd'] },
  { attachments: ['.'] },
  { reason: 'by chance' },
  { internal: null },
  { internal: { a: 'b' } },
  { endpointCounts: [['a']] },
  { customAttributes: [{}] },
  { pending: { 'datadog x': 'wall' } },
];

test('with a note that says anything the profile goes to all, with the time that it tells itself', async (t) => {
  const receiver = await agent(t);
  for (const [index, change] of NOTES.entries()) {
    const root = temporaryFolder(t);
    const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root, seed: ENDED });
    sender.dispatcher.stop();
    const upload = givenProfile(sender.identity, index);
    const file = sender.spool?.write(upload, {});
    const path = join(sender.spool?.folder ?? '', `${file?.base}.json`);
    const note = JSON.parse(readFileSync(path, 'utf8'));
    const isObject = typeof change === 'object' && change !== null && !Array.isArray(change);
    writeFileSync(path, JSON.stringify(isObject ? { ...note, ...change } : change));
    const next = givenProcess(t, { exporters: [agentExporter(receiver)], root });
    next.look();
    await next.untilSent();
    t.deepEqual(fates(next.counters), { uploads_taken: 1, uploads_delivered: 1 }, JSON.stringify(change));
  }
  t.deepEqual(receiver.violations, []);
  t.deepEqual(
    numbersOf(receiver),
    NOTES.map((_, index) => index),
  );
});

test('a note that is a pipe or a link is none', async (t) => {
  const receiver = await agent(t);
  const root = temporaryFolder(t);
  const outside = temporaryFolder(t, { secret: '{"a":1}' });
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root, seed: ENDED });
  sender.dispatcher.stop();
  const folder = sender.spool?.folder ?? '';
  for (const number of [0, 1]) sender.spool?.write(givenProfile(sender.identity, number), {});
  rmSync(join(folder, 'profile.4242.0.json'));
  execFileSync('mkfifo', [join(folder, 'profile.4242.0.json')]);
  rmSync(join(folder, 'profile.4242.1.json'));
  symlinkSync(join(outside, 'secret'), join(folder, 'profile.4242.1.json'));
  const next = givenProcess(t, { exporters: [agentExporter(receiver)], root });
  next.look();
  await next.untilSent();
  t.deepEqual(numbersOf(receiver), [0, 1]);
  t.deepEqual(readdirSync(outside), ['secret']);
});

test('links in the spool lead neither to reads nor to deletes outside', async (t) => {
  const receiver = await agent(t);
  const root = temporaryFolder(t);
  const outside = temporaryFolder(t, { 'profile.1.1.wall.pprof': 'theirs', secret: 'theirs' });
  const theirs = join(outside, randomUUID());
  mkdirSync(theirs);
  writeFileSync(join(theirs, 'file'), 'theirs');
  // A folder, a folder of those that were taken over, a profile and what goes with one, all elsewhere.
  symlinkSync(outside, join(root, randomUUID()));
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root, seed: ENDED });
  sender.dispatcher.stop();
  const folder = sender.spool?.folder ?? '';
  const upload = givenProfile(sender.identity, 0);
  upload.attachments.push({ name: 'code-provenance.json', data: Buffer.from('{}') });
  sender.spool?.write(upload, { 'datadog x': [] });
  const next = givenProcess(t, { exporters: [agentExporter(receiver)], root });
  const pending = { [next.dispatcher.lanes[0]?.key ?? '']: [] };
  const note = join(folder, 'profile.4242.0.json');
  writeFileSync(note, JSON.stringify({ ...JSON.parse(readFileSync(note, 'utf8')), pending }));
  rmSync(join(folder, 'profile.4242.0.code-provenance.json'));
  symlinkSync(join(outside, 'secret'), join(folder, 'profile.4242.0.code-provenance.json'));
  symlinkSync(join(outside, 'profile.1.1.wall.pprof'), join(folder, 'profile.4242.1.wall.pprof'));
  symlinkSync(outside, join(folder, 'adopted'));
  next.look();
  await next.untilSent();
  next.clock.forward(2 * DAY);
  next.look();
  t.deepEqual(numbersOf(receiver), [0]);
  t.deepEqual([...(receiver.received[0]?.attachments.keys() ?? [])], ['wall.pprof']);
  t.deepEqual(
    readdirSync(outside).sort(),
    [theirs.slice(outside.length + 1), 'profile.1.1.wall.pprof', 'secret'].sort(),
  );
  t.deepEqual(readdirSync(theirs), ['file']);
});

test('what an ended process has left that is called as a profile and is no file is removed and counted', (t) => {
  const root = temporaryFolder(t);
  const outside = join(temporaryFolder(t), 'outside');
  writeFileSync(outside, 'theirs');
  const make: ((path: string) => void)[] = [
    (path) => symlinkSync(outside, path),
    (path) => symlinkSync('nowhere', path),
    (path) => execFileSync('mkfifo', [path]),
    (path) => {
      mkdirSync(path);
      symlinkSync(outside, join(path, 'link'));
    },
  ];
  for (const one of make) {
    const folder = makeSpoolFolder(root, givenSeed({ ...ENDED, runtimeId: randomUUID() }));
    one(join(folder, 'profile.7.0.wall.pprof'));
  }
  const sender = givenProcess(t, { exporters: [agentExporter({ url: 'http://127.0.0.1:9' })], root });
  sender.look();
  t.deepEqual(fates(sender.counters), { uploads_taken: 4, uploads_damaged: 4 });
  t.deepEqual(readdirSync(root), [sender.seed.runtimeId]);
  t.is(readFileSync(outside, 'utf8'), 'theirs');
  t.is(sender.lines.filter((line) => line.includes('is damaged (it is no file) and is removed')).length, 1);
});

test('in a folder that is no spool of ours nothing is removed, however old or large', async (t) => {
  const root = temporaryFolder(t);
  const folders = ['profiles', '.git', 'adopted', `${randomUUID()}.old`].map((name) => join(root, name));
  for (const folder of folders) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'profile.1.1.wall.pprof'), 'theirs');
    utimesSync(join(folder, 'profile.1.1.wall.pprof'), 1, 1);
  }
  const sender = givenProcess(t, { exporters: [], root, limits: { bytes: 1 } });
  sender.clock.forward(2 * DAY);
  sender.look();
  for (const folder of folders) t.deepEqual(readdirSync(folder), ['profile.1.1.wall.pprof']);
});

test('what another process has taken over is counted as elsewhere, and not as gone', async (t) => {
  const root = temporaryFolder(t);
  const { receiver, sender } = await waitingProcess(t, root, [0]);
  const other = givenProcess(t, { exporters: [], root });
  // It was held for ended: a process in another container that was asleep, say.
  const folder = sender.spool?.folder ?? '';
  mkdirSync(join(other.spool?.folder ?? '', 'adopted'));
  renameSync(folder, join(other.spool?.folder ?? '', 'adopted', basename(folder)));
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_elsewhere: 1 });
  t.is(sender.lines.filter((line) => line.includes('is gone')).length, 0);
});

test('a spool that is taken away under a process is made again, and what was in it is counted', async (t) => {
  const root = temporaryFolder(t);
  const { receiver, sender } = await waitingProcess(t, root, [0, 1]);
  rmSync(root, { recursive: true });
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(fates(sender.counters), { uploads_taken: 2, uploads_gone: 2 });
  t.is(
    sender.lines.filter((line) =>
      /a profile that waited in .* is gone: something else has removed it/.test(line),
    ).length,
    1,
  );
  await receiver.faults.refuse();
  sender.take(2);
  await sender.dispatcher.rest();
  t.is(sender.spool?.own().length, 1);
  t.true(existsSync(join(sender.spool?.folder ?? '', 'process.json')));
  rmSync(root, { recursive: true });
  sender.look();
  t.true(existsSync(join(sender.spool?.folder ?? '', 'process.json')), 'also without a profile to keep');
});

test('where the spool cannot be written sixteen wait in memory, one line says so, and they arrive', async (t) => {
  const receiver = await agent(t);
  const root = temporaryFolder(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root });
  // Whoever the tests run as, a file cannot be a folder.
  rmSync(root, { recursive: true });
  writeFileSync(root, '');
  await receiver.faults.refuse();
  for (let number = 0; number < 20; number++) {
    sender.take(number);
    await sender.dispatcher.rest();
  }
  t.deepEqual(fates(sender.counters), { uploads_taken: 20, uploads_lost: 4 });
  t.true(sender.counters.spool_failures > 0);
  t.is(sender.lines.filter((line) => /not kept in .*EVERFLAME_SPOOL_DIR/.test(line)).length, 1);
  sender.clock.forward(2000);
  await sender.dispatcher.rest();
  rmSync(root);
  sender.look();
  t.is(sender.spool?.own().length, 16, 'as soon as it can be');
  await receiver.faults.accept();
  await sender.untilSent();
  t.deepEqual(
    numbersOf(receiver),
    Array.from({ length: 16 }, (_, index) => 4 + index),
  );
});

test('where the spool cannot be written at the end, one line says what is lost, also of a receiver that is known to fail', async (t) => {
  const root = temporaryFolder(t);
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root });
  rmSync(root, { recursive: true });
  writeFileSync(root, '');
  await receiver.faults.refuse();
  sender.take(0);
  await sender.dispatcher.rest();
  sender.dispatcher.stop();
  t.deepEqual(fates(sender.counters), { uploads_taken: 1, uploads_lost: 1 });
  const said = sender.lines.filter((line) =>
    line.includes('the end of the process came before 1 profile could be sent'),
  );
  t.is(said.length, 1, sender.lines.join('\n'));
  t.regex(said[0] ?? '', /the spool cannot be written\. What was not sent is lost/);
});

test('with a spool more than sixteen at once go to disk, and none is lost', async (t) => {
  const receiver = await agent(t);
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root: temporaryFolder(t) });
  receiver.faults.next({ kind: 'slow', milliseconds: 200 });
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  sender.take(...numbers);
  await sender.untilSent();
  t.deepEqual(numbersOf(receiver), numbers);
});

test('a spool of ten thousand profiles is taken a thousand at a time', async (t) => {
  const receiver = await agent(t);
  const root = temporaryFolder(t);
  await receiver.faults.refuse();
  const profile = givenProfile(givenProcess(t, { exporters: [] }).identity, 0).attachments[0]?.data ?? '';
  for (let owner = 0; owner < 10; owner++) {
    const folder = makeSpoolFolder(root, givenSeed({ ...ENDED, runtimeId: randomUUID() }));
    for (let number = 0; number < 1000; number++) {
      writeFileSync(join(folder, `profile.7.${number}.wall.pprof`), profile);
    }
  }
  const sender = givenProcess(t, { exporters: [agentExporter(receiver)], root });
  const begun = performance.now();
  sender.look();
  const first = performance.now();
  await sender.dispatcher.rest();
  sender.look();
  t.log(
    `first look ${(first - begun).toFixed()} ms, each further ${(performance.now() - first).toFixed()} ms`,
  );
  t.is(sender.counters.uploads_taken, 1000);
  t.is(sender.counters.spool_profiles, 10_000);
  const counting = performance.now();
  sender.clock.forward(2 * DAY);
  sender.dispatcher.tidy();
  t.log(`all of them removed in ${(performance.now() - counting).toFixed()} ms`);
  t.deepEqual(fates(sender.counters), { uploads_taken: 10_000, uploads_expired: 10_000 });
  t.deepEqual(readdirSync(root), [sender.seed.runtimeId]);
});
