/** Where the collector listens, and who may ask it there. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Collector, startCollector } from '#src/collector/collector.js';
import type { PortTaken } from '#src/collector/listen/tcp.js';
import { EverflameError } from '#src/engine.js';
import { Logger } from '#src/log.js';
import { temporaryFolder } from '../support/folder.js';
import { MemoryStore } from '../support/memory-store.js';
import { askAt, openCollector } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const SERVICES = '/api/v1/services';
const logger = new Logger('off');
const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

test('it listens on this machine alone, by both addresses where there are two', async (t) => {
  const { collector, json } = await openCollector(t);
  const { port } = collector;
  const expected = [`http://127.0.0.1:${port}`, ...(HAS_IPV6 ? [`http://[::1]:${port}`] : [])];
  t.deepEqual(collector.addresses, expected);
  t.is(collector.token, undefined);
  for (const address of expected) t.is((await askAt(address, SERVICES)).status, 200);
  t.deepEqual((await json('/api/v1/status')).addresses, expected);
});

test('of a port that is taken it says by whom, and names a free one', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const error = await t.throwsAsync<PortTaken>(startCollector({ store: new MemoryStore(), logger, port }));
  t.is(error?.code, 'PORT_TAKEN');
  const { free } = error as PortTaken;
  t.true(free !== undefined && free > port);
  const by = existsSync('/proc/net/tcp') ? `process ${process.pid} (` : 'another process';
  const start = `port ${port} of 127.0.0.1 is taken by ${by}`;
  t.is(error?.message.slice(0, start.length), start);
  t.true(
    error?.message.endsWith(`. Port ${free} is free: name it with --port ${free}, or end that process`),
    error?.message,
  );
  const next = await startCollector({ store: new MemoryStore(), logger, port: free ?? 0 });
  await next.close();
});

test('an address that is not of this machine is told', async (t) => {
  const error = await t.throwsAsync(
    startCollector({ store: new MemoryStore(), logger, port: 0, host: '192.0.2.1' }),
    { instanceOf: EverflameError },
  );
  t.is(
    error?.message,
    'this machine has no address 192.0.2.1. Name one of its own with --host, or leave that out for 127.0.0.1',
  );
});

test('on a Unix socket it speaks the same, to its user alone', async (t) => {
  const socketPath = join(temporaryFolder(t), 'collector.sock');
  const { collector, store } = await openCollector(t, { socketPath });
  t.is(statSync(socketPath).mode & 0o777, 0o600);
  t.true(collector.addresses.includes(`unix://${socketPath}`));
  // Whatever a client calls the host there.
  const headers = { Host: 'anything' };
  t.is((await askAt('http://localhost', SERVICES, { socketPath, headers })).status, 200);
  t.is((await askAt('http://localhost', AGENT, { ...agentUpload(), socketPath })).status, 200);
  t.is(store.uploads.length, 1);
  await collector.close();
  t.false(existsSync(socketPath));
});

test('a socket that a dead server has left is taken, one that lives is not, and a file is left alone', async (t) => {
  const folder = temporaryFolder(t);
  const socketPath = join(folder, 'collector.sock');
  const listener = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => console.log('listens'))`;
  const child = spawn(process.execPath, ['-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const start = (path: string): Promise<Collector> =>
    startCollector({ store: new MemoryStore(), logger, port: 0, socketPath: path });
  t.is(
    (await t.throwsAsync(start(socketPath)))?.message,
    `another process listens on ${socketPath}. Name another path with --socket, or end that process`,
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.true(statSync(socketPath).isSocket());
  const collector = await start(socketPath);
  t.is((await askAt('http://localhost', SERVICES, { socketPath })).status, 200);
  await collector.close();

  const file = join(folder, 'file');
  writeFileSync(file, 'kept');
  t.is(
    (await t.throwsAsync(start(file)))?.message,
    `${file} is there and is no socket. Name another path with --socket, or move it away`,
  );
  t.is(statSync(file).size, 4);
  const long = join(folder, 'x'.repeat(120));
  t.regex(
    String((await t.throwsAsync(start(long)))?.message),
    /^the path of the socket has \d+ bytes, and the system takes 10[37]\. Name a shorter one with --socket$/,
  );
  const nowhere = join(folder, 'none', 'sock');
  t.regex(
    String((await t.throwsAsync(start(nowhere)))?.message),
    /^cannot make the socket .*: listen E\w+.*\. Name a path in a folder that this user may write to$/,
  );
});

test('beyond this machine everybody must show the token', async (t) => {
  const { collector, ask, store } = await openCollector(t, { host: '0.0.0.0' });
  const token = collector.token ?? '';
  t.regex(token, /^[\w-]{24}$/);
  t.false(JSON.stringify(collector.addresses).includes(token));
  const page = await ask('/', { headers: { Accept: 'text/html' } });
  t.is(page.status, 403);
  t.is(
    page.text,
    'the token is missing or wrong. Open the address that was printed at the start, with its ?token=, or send Authorization: Bearer <token>.\n',
  );
  t.is((await ask(AGENT, agentUpload())).status, 403);
  for (const wrong of [`${token}x`, token.slice(1), '', 'x'.repeat(24)]) {
    t.is((await ask(SERVICES, { headers: { Authorization: `Bearer ${wrong}` } })).status, 403);
    t.is((await ask(`/?token=${wrong}`)).status, 403);
  }
  const headers = { Authorization: `Bearer ${token}` };
  t.is((await ask(SERVICES, { headers })).status, 200);
  const upload = agentUpload();
  t.is((await ask(AGENT, { ...upload, headers: { ...upload.headers, ...headers } })).status, 200);
  t.is(store.uploads.length, 1);
  t.is((await ask(SERVICES, { headers: { ...headers, Host: 'evil.example' } })).status, 403);
  // An address cannot be made to lead elsewhere.
  t.is((await ask(SERVICES, { headers: { ...headers, Host: '10.1.2.3:80' } })).status, 200);
});

test('a browser gets the token as a cookie, and its address bar loses it', async (t) => {
  const { collector, ask } = await openCollector(t, { host: '0.0.0.0', token: 'a-token-of-somebody-s-own' });
  t.is(collector.token, 'a-token-of-somebody-s-own');
  const { status, headers } = await ask('/?from=1&token=a-token-of-somebody-s-own&to=2');
  t.is(status, 303);
  t.is(headers.location, '/?from=1&to=2');
  const [cookie = ''] = headers['set-cookie'] ?? [];
  t.regex(cookie, /^everflame-[0-9a-f]{8}=a-token-of-somebody-s-own; Path=\/; HttpOnly; SameSite=Strict$/);
  const pair = cookie.split(';')[0] ?? '';
  t.is((await ask(SERVICES, { headers: { Cookie: `other=1; ${pair}` } })).status, 200);
  t.is((await ask(SERVICES, { headers: { Cookie: `${pair}x` } })).status, 403);
  t.is((await ask(SERVICES, { headers: { Cookie: `other=a-token-of-somebody-s-own` } })).status, 403);
  // No address of somebody else's.
  t.is((await ask('//evil.example/?token=a-token-of-somebody-s-own')).headers.location, '/evil.example/');
});

test('a token that could be guessed is none', async (t) => {
  for (const token of ['short', 'with spaces and more of them', '']) {
    t.regex(
      String(
        (
          await t.throwsAsync(
            startCollector({ store: new MemoryStore(), logger, port: 0, host: '0.0.0.0', token }),
          )
        )?.message,
      ),
      /^the token must have at least 22 letters, digits and signs of - _ \. ~, so that nobody guesses it\. Leave it out, and one is made$/,
    );
  }
});

test('it has nothing that keeps a process alive once it is closed', (t) => {
  const script = `
    const { startCollector } = require(${JSON.stringify(join(process.cwd(), 'dist/src/collector/collector.js'))});
    const logger = { error() {}, warn() {}, info() {}, debug() {}, notice() {} };
    startCollector({ store: {}, logger, port: 0, inbox: '.everflame' }).then((collector) => collector.close());`;
  execFileSync(process.execPath, ['-e', script], { cwd: temporaryFolder(t), timeout: 60_000 });
  t.pass();
});
