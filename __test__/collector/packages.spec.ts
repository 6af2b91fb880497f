/** Packages are told apart by their versions, as far as a client or the disk tells them. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FOR_EVER, FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { readProfile } from '../support/pprof.js';
import { openCollector, until } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const START = 1_795_860_000_000_000_000n;
const RANGE = 'service=shop&from=0&to=9000000000000&type=cpu';

/** CPU time of functions with one name, by the file that each is in; they are called by one of the program's. */
function profileOf(files: Record<string, number>, start = START): Buffer {
  const samples = Object.entries(files).map(([file, value]) => ({
    values: [value],
    stack: [
      { name: 'main', file: '/app/main.js' },
      { name: 'parse', file },
    ],
  }));
  return encodeProfile([['cpu', 'nanoseconds']], samples, { start, durationNanoseconds: 1_000_000_000n });
}

async function opened(t: ExecutionContext, inbox?: string) {
  const store = FolderStore.open(join(temporaryFolder(t), 'store'), new Logger('error'), FOR_EVER);
  t.teardown(() => store.close());
  const collector = await openCollector(t, { store, ...(inbox === undefined ? {} : { inbox }) });
  const packages = async (): Promise<Record<string, number>> => {
    const { rows } = (await collector.json(`/api/v1/table?${RANGE}&by=package`)) as {
      rows: { name: string; self: number }[];
    };
    return Object.fromEntries(rows.map(({ name, self }) => [name, self]));
  };
  const functions = async (): Promise<Record<string, unknown>[]> =>
    (await collector.json(`/api/v1/table?${RANGE}&by=function`)).rows as Record<string, unknown>[];
  return { ...collector, packages, functions };
}

const provenance = (entries: unknown): string => JSON.stringify({ v1: entries });
const library = (name: unknown, version: unknown, ...paths: unknown[]) => ({
  kind: 'library',
  name,
  version,
  paths,
});

test('of an upload by what it says of whose code it is', async (t) => {
  const { ask, packages, functions, url } = await opened(t);
  const files = {
    '/app/node_modules/ms/index.js': 1,
    '/app/node_modules/send/index.js': 10,
    '/app/node_modules/send/node_modules/ms/index.js': 100,
    '/app/node_modules/@scope/told/lib/a.js': 1000,
    '/app/node_modules/@scope/untold/lib/a.js': 10_000,
    '/app/src/parse.js': 100_000,
  };
  const told = [
    library('ms', '2.0.0', '/app/node_modules/ms/'),
    library('ms', '2.1.3', '/app/node_modules/send/node_modules/ms/'),
    library('send', '0.18.0', '/app/node_modules/send/index.js'),
    library('@scope/told', '1.0.0-rc.1', '/app/node_modules/@scope/told/'),
    { kind: '', name: 'shop', version: '1.4.2', paths: ['/app/src/', '/app/main.js'] },
  ];
  const upload = { 'wall.pprof': profileOf(files), 'code-provenance.json': provenance(told) };
  t.is((await ask(AGENT, agentUpload(upload))).status, 200);
  t.deepEqual(await packages(), {
    'ms@2.0.0': 1,
    'send@0.18.0': 10,
    'ms@2.1.3': 100,
    '@scope/told@1.0.0-rc.1': 1000,
    '@scope/untold': 10_000,
    '(your code)': 100_000,
  });
  const rows = await functions();
  t.deepEqual(
    rows.filter(({ kind }) => kind === 'package').map((row) => row.package),
    ['@scope/untold', '@scope/told', 'ms', 'send', 'ms'],
  );
  // An exported profile names no binaries that are none.
  const path = join(temporaryFolder(t), 'exported.pb.gz');
  const exported = await fetch(`${url}/api/v1/pprof?${RANGE}`);
  writeFileSync(path, Buffer.from(await exported.arrayBuffer()));
  const { samples } = readProfile(path);
  t.is(samples.length, 6);
  const kinds = new Set(samples.flatMap(({ frames }) => frames.map(({ kind }) => kind)));
  t.deepEqual([...kinds].sort(), ['app', 'package']);
});

test('an update of a package makes another row, and no other function', async (t) => {
  const { ask, packages, functions } = await opened(t);
  const file = '/app/node_modules/ms/index.js';
  for (const [index, version] of ['2.0.0', '2.1.3', '2.0.0'].entries()) {
    const upload = {
      'wall.pprof': profileOf({ [file]: 10 ** index }, START + BigInt(index)),
      'code-provenance.json': provenance([library('ms', version, '/app/node_modules/ms/')]),
    };
    t.is((await ask(AGENT, agentUpload(upload))).status, 200);
  }
  t.deepEqual(await packages(), { 'ms@2.0.0': 101, 'ms@2.1.3': 10, '(your code)': 0 });
  t.deepEqual(
    (await functions()).map(({ name, file: from, self }) => [name, from, self]),
    [
      ['parse', file, 111],
      ['main', '/app/main.js', 0],
    ],
  );
});

test('what is not told in its form costs the versions alone', async (t) => {
  const { ask, packages } = await opened(t);
  const path = '/app/node_modules/ms/';
  const wrong = [
    'no JSON',
    '',
    'null',
    '['.repeat(4 * 1024 * 1024 + 1),
    '[]',
    '{"v1":{}}',
    provenance([null, 3, 'x', library('ms', 3, path), library(null, '1', path), library('ms', '', path)]),
    provenance([library('ms', '1.0.0', null, '', 7, 'x'.repeat(5000))]),
    provenance([library('m'.repeat(200), '1.0.0', path)]),
    provenance([{ kind: 'standard library', name: 'node', version: '24.0.0', paths: [path] }]),
  ];
  for (const [index, text] of wrong.entries()) {
    const data = profileOf({ [`${path}index.js`]: 1 }, START + BigInt(index));
    const { status } = await ask(AGENT, agentUpload({ 'wall.pprof': data, 'code-provenance.json': text }));
    t.is(status, 200, text.slice(0, 80));
  }
  t.deepEqual(await packages(), { ms: wrong.length, '(your code)': 0 });
});

test('of profiles in the inbox by the files of this machine, and of uploads by none', async (t) => {
  const folder = temporaryFolder(t);
  for (const [place, manifest] of [
    ['node_modules/ms', '{"name":"ms","version":"2.0.0"}'],
    ['node_modules/send/node_modules/ms', '{"name":"ms","version":"2.1.3"}'],
    ['node_modules/broken', '{'],
  ] as const) {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(join(folder, place, 'package.json'), manifest);
  }
  const files = {
    [join(folder, 'node_modules/ms/index.js')]: 1,
    [join(folder, 'node_modules/send/node_modules/ms/index.js')]: 10,
    [join(folder, 'node_modules/broken/index.js')]: 100,
    [join(folder, 'node_modules/gone/index.js')]: 1000,
  };
  const inbox = join(folder, 'inbox');
  mkdirSync(inbox);
  const { ask, packages, json } = await opened(t, inbox);
  const path = join(inbox, 'profile.1.0.wall.pprof');
  writeFileSync(`${path}.tmp`, profileOf(files));
  renameSync(`${path}.tmp`, path);
  let service = '';
  await until(async () => {
    const { services } = (await json('/api/v1/services')) as { services: { name: string }[] };
    service = services[0]?.name ?? '';
    return service !== '';
  }, 'the profile of the inbox');
  const query = `service=${encodeURIComponent(service)}&from=0&to=9000000000000&type=cpu&by=package`;
  const { rows } = (await json(`/api/v1/table?${query}`)) as { rows: { name: string; self: number }[] };
  t.deepEqual(
    rows.map(({ name, self }) => [name, self]),
    [
      ['gone', 1000],
      ['broken', 100],
      ['ms@2.1.3', 10],
      ['ms@2.0.0', 1],
      ['(your code)', 0],
    ],
  );
  t.is((await ask(AGENT, agentUpload({ 'wall.pprof': profileOf(files, START + 1n) }))).status, 200);
  t.deepEqual(await packages(), { gone: 1000, broken: 100, ms: 11, '(your code)': 0 });
});
