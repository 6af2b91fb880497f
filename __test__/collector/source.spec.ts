/** Which files a collector gives away, and to whom. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, realpathSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { CollectorOptions } from '#src/collector/collector.js';
import { isOwnUser } from '#src/collector/source/asker.js';
import { MOST_SOURCE_BYTES, readSourceFile } from '#src/collector/source/source-file.js';
import { temporaryFolder } from '../support/folder.js';
import { askAt, type Opened, openCollector } from './support/collector.js';

const TEXT = 'export function work() {\n  return 1;\n}\n';
const SELECTION = 'service=shop&from=1000&to=5000';

/** A folder by its only name: what lies below a link is not given. */
function folderOf(t: ExecutionContext, files: Record<string, string> = {}): string {
  const folder = realpathSync(temporaryFolder(t));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const linesOf = (lines: unknown[]) => Buffer.from(JSON.stringify({ lines }));

/** A collector of whose profiles these files are. */
async function openWith(
  t: ExecutionContext,
  files: readonly string[],
  options: Partial<CollectorOptions> = {},
): Promise<Opened> {
  const opened = await openCollector(t, options);
  opened.store.lines = async (_selection, asked) =>
    linesOf(files.includes((asked as { file: string }).file) ? [{ line: 1, self: 1, total: 1 }] : []);
  return opened;
}

const query = (file: string) => `/api/v1/source?${SELECTION}&file=${encodeURIComponent(file)}`;

test('the text of a file that profiles name is given, and that of its neighbour is not', async (t) => {
  const folder = folderOf(t, { 'src/work.ts': TEXT, 'src/other.ts': TEXT });
  const file = join(folder, 'src/work.ts');
  mkdirSync(join(folder, '.git'));
  utimesSync(file, 1000, 1_700_000_000);
  const { json, error } = await openWith(t, [file]);
  t.deepEqual(await json(query(file)), {
    file,
    text: TEXT,
    modified: 1_700_000_000_000,
    repositoryPath: 'src/work.ts',
    reason: null,
  });
  const refused = '404 no sample of this selection is of that file. Name one that /table lists by file.';
  t.is(await error(query(join(folder, 'src/other.ts'))), refused);
  t.is(await error(query('/etc/passwd')), refused);
  t.is(await error(query(`${folder}/src/../src/work.ts`)), refused);
  t.regex(await error(`/api/v1/source?${SELECTION}`), /^400 file is missing/);
  t.regex(await error(`${query(file)}&depth=3`), /^400 depth is no parameter here/);
});

test('the file is looked for in the selection that was asked for', async (t) => {
  const folder = folderOf(t, { 'a.js': TEXT });
  const opened = await openCollector(t);
  const asked: unknown[] = [];
  opened.store.lines = async (selection, options) => {
    asked.push({ selection, options });
    return linesOf([]);
  };
  await opened.ask(`${query(join(folder, 'a.js'))}&type=wall&where=env:prod`);
  t.deepEqual(asked, [
    {
      selection: {
        service: 'shop',
        from: 1000,
        to: 5000,
        type: 'wall',
        where: [{ key: 'env', values: ['prod'], negated: false }],
      },
      options: { file: join(folder, 'a.js') },
    },
  ]);
});

test('what is no plain text of a source file under its own name is not given, and it is said why', (t) => {
  const folder = folderOf(t, {
    'real/a.js': TEXT,
    id_rsa: 'secret',
    '.env': 'TOKEN=1',
    'settings.json': '{}',
    'key.pem': 'secret',
    'binary.js': 'a\0b',
    'large.js': 'x'.repeat(MOST_SOURCE_BYTES + 1),
  });
  const at = (name: string) => join(folder, name);
  symlinkSync(at('id_rsa'), at('link.js'));
  symlinkSync(at('real'), at('linked'));
  writeFileSync(at('latin.js'), Buffer.from([0x61, 0xe4, 0x62]));
  mkdirSync(at('folder.js'));
  execFileSync('mkfifo', [at('pipe.js')]);
  const reasons = {
    [at('none.js')]: 'it is not on this machine',
    [at('real/a.js/b.js')]: 'it is not on this machine',
    [at('id_rsa')]: 'its name does not end as that of a source file does',
    [at('.env')]: 'its name does not end as that of a source file does',
    [at('settings.json')]: 'its name does not end as that of a source file does',
    [at('key.pem')]: 'its name does not end as that of a source file does',
    '/proc/self/environ': 'its name does not end as that of a source file does',
    [at('link.js')]: 'it is a link',
    [at('linked/a.js')]: 'a link is on the way to it',
    [at('folder.js')]: 'it is no file',
    [at('pipe.js')]: 'it is no file',
    [at('large.js')]: 'it has more than 2 MiB',
    [at('binary.js')]: 'it is no text',
    [at('latin.js')]: 'it is no text in UTF-8',
    [`${folder}/real/../real/a.js`]: 'its name is no absolute path',
    [`${at('real/a.js')}\0.js`]: 'its name is no absolute path',
    'real/a.js': 'its name is no absolute path',
    './a.js': 'its name is no absolute path',
    'node:fs': 'it is a part of Node.js',
    'webpack:///./src/a.js': 'its name is no absolute path',
    'file://elsewhere/srv/a.js': 'its name is no absolute path',
    'file:///srv%2Fa.js': 'its name is no absolute path',
    'https://example.org/a.js': 'its name is no absolute path',
    '': 'its name is no absolute path',
  };
  for (const [name, reason] of Object.entries(reasons)) t.deepEqual(readSourceFile(name), { reason }, name);
});

test('a file is read by its address too, and by another name of the same file', (t) => {
  const folder = folderOf(t, { 'a b.mjs': TEXT });
  linkSync(join(folder, 'a b.mjs'), join(folder, 'hard.mjs'));
  const { mtimeMs: modified } = statSync(join(folder, 'a b.mjs'));
  const given = { text: TEXT, modified, repositoryPath: null };
  t.deepEqual(readSourceFile(pathToFileURL(join(folder, 'a b.mjs')).href), given);
  t.deepEqual(readSourceFile(join(folder, 'hard.mjs')), given);
});

test('the path in a repository is that from its root, and packages have none', (t) => {
  const folder = folderOf(t, {
    '.git': 'gitdir: elsewhere',
    'packages/shop/src/a.ts': TEXT,
    'node_modules/x/index.js': TEXT,
  });
  const pathOf = (name: string) => {
    const found = readSourceFile(join(folder, name));
    return 'text' in found ? found.repositoryPath : found.reason;
  };
  t.is(pathOf('packages/shop/src/a.ts'), 'packages/shop/src/a.ts');
  t.is(pathOf('node_modules/x/index.js'), null);
});

test('a page of somebody else gets nothing', async (t) => {
  const file = join(folderOf(t, { 'a.js': TEXT }), 'a.js');
  const { ask } = await openWith(t, [file]);
  for (const headers of [
    { Origin: 'http://example.org' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Host: 'rebound.example.org' },
  ])
    t.is((await ask(query(file), { headers })).status, 403);
});

test('beyond this machine nothing is given unless it was asked for', async (t) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  const file = join(folderOf(t, { 'a.js': TEXT }), 'a.js');
  // Without a network there is no address but that which stands for all.
  const [host, asked] = address ? [address, address] : ['0.0.0.0', '127.0.0.1'];
  for (const source of [undefined, true]) {
    const { collector } = await openWith(t, [file], { host, ...(source && { source }) });
    const headers = { Authorization: `Bearer ${collector.token}` };
    const url = `http://${asked}:${collector.port}`;
    t.is((await askAt(url, query(file))).status, 403);
    const answer = JSON.parse((await askAt(url, query(file), { headers })).text) as Record<string, unknown>;
    t.is(answer.text, source ? TEXT : null);
    if (!source)
      t.is(
        answer.reason,
        'files are not given away beyond this machine. Start the collector with --source to give them to everybody who may ask it.',
      );
  }
});

/** Connects as another user, as root may; as who else, the connection is this user's. */
async function connectAs(uid: number, port: number): Promise<Socket> {
  const own = process.geteuid?.() as number;
  if (own === 0) process.seteuid?.(uid);
  try {
    const socket = connect(port, '127.0.0.1');
    // The socket is made in the next tick.
    await new Promise<void>((settle) => process.nextTick(settle));
    return socket;
  } finally {
    if (own === 0) process.seteuid?.(own);
  }
}

const NOBODY = 65_534;

test('another user of this machine gets nothing, unless everybody is to', async (t) => {
  const file = join(folderOf(t, { 'a.js': TEXT }), 'a.js');
  const isRoot = process.geteuid?.() === 0;
  for (const source of [false, true]) {
    const { collector, json } = await openWith(t, [file], { source });
    t.is((await json(query(file))).text, TEXT);
    const socket = await connectAs(NOBODY, collector.port);
    socket.end(`GET ${query(file)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const answer = JSON.parse((await text(socket)).split('\r\n\r\n')[1] as string) as Record<string, unknown>;
    t.is(answer.text, source || !isRoot ? TEXT : null);
    if (isRoot && !source)
      t.is(
        answer.reason,
        'files are given to the user alone whom the collector belongs to. Start the collector with --source to give them to everybody who may ask it.',
      );
  }
});

test('a connection is its own user’s', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = await connectAs(NOBODY, port);
  t.teardown(() => client.destroy());
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => accepted.destroy());
  const user = process.geteuid?.() === 0 ? NOBODY : (process.geteuid?.() as number);
  t.true(isOwnUser(accepted, user));
  t.false(isOwnUser(accepted, user + 1));
});

test('whose a connection is that nobody has is not said', (t) => {
  t.false(isOwnUser({ remotePort: 1, localPort: 2 }));
  t.false(isOwnUser({ remotePort: undefined, localPort: 2 }));
});
