/** Pages of others, hosts that are not this one, and clients that are slow, endless or gone. */
import test from 'ava';
import { type AskOptions, openCollector, until } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const SERVICES = '/api/v1/services';

test('a foreign host is refused, whatever is asked', async (t) => {
  const { ask, json, collector, store } = await openCollector(t, { names: ['Collector.local'] });
  const { port } = collector;
  const own = ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST', 'collector.local'];
  for (const host of own.flatMap((name) => [name, `${name}:${port}`, `${name}:80`])) {
    t.is((await ask(SERVICES, { headers: { Host: host } })).status, 200, host);
  }
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'evil.example#127.0.0.1',
    '10.0.0.1',
    '[::2]',
    '0.0.0.0',
    'localhost:80:80',
    'local host',
  ];
  for (const host of foreign) {
    for (const [path, method] of [
      [SERVICES, 'GET'],
      ['/api/v1/events', 'GET'],
      ['/', 'GET'],
      ['/info', 'GET'],
      ['/none', 'GET'],
      ['/v0.4/traces', 'POST'],
    ]) {
      const { status, text, headers } = await ask(path ?? '', {
        method: method ?? '',
        headers: { Host: host },
      });
      t.is(status, 403, `${host} ${path}`);
      t.is(headers['content-type'], 'text/plain; charset=utf-8');
      t.is(
        text,
        `the host ${JSON.stringify(host)} is not this collector's. Ask by 127.0.0.1 or localhost, or allow the name with --name where everflame view is started.\n`,
      );
    }
    const upload = agentUpload();
    t.is((await ask(AGENT, { ...upload, headers: { ...upload.headers, Host: host } })).status, 403);
  }
  t.deepEqual(store.commits, []);
  t.deepEqual((await json('/api/v1/status')).refused, { host: foreign.length * 7 });
});

test('a request of a protocol without hosts is refused too', async (t) => {
  const { raw } = await openCollector(t);
  for (const head of [
    `GET ${SERVICES} HTTP/1.0\r\n\r\n`,
    `GET http://localhost${SERVICES} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]) {
    const { socket, ended } = await raw();
    socket.end(head);
    t.regex(await ended, /^HTTP\/1\.1 403 /);
  }
  const { socket, ended } = await raw();
  socket.end(`GET http://localhost${SERVICES} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  t.regex(await ended, /^HTTP\/1\.1 400 .*the target of the request is no path\. Begin it with a slash\./s);
});

test('pages of others send nothing here, and hear nothing', async (t) => {
  const { ask, url, collector, store, json } = await openCollector(t);
  const { port } = collector;
  const own: Record<string, string>[] = [
    {},
    { Origin: url },
    { 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
  ];
  const foreign: Record<string, string>[] = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: '' },
    { Origin: `https://127.0.0.1:${port}` },
    { Origin: 'http://127.0.0.1:1' },
    // The same page by another name has other rights in a browser.
    { Origin: `http://localhost:${port}` },
    { 'Sec-Fetch-Site': 'cross-site' },
    // Another port of this machine.
    { 'Sec-Fetch-Site': 'same-site' },
    { Origin: url, 'Sec-Fetch-Site': 'cross-site' },
  ];
  const upload = agentUpload();
  const sent: [path: string, request: AskOptions][] = [
    [AGENT, upload],
    ['/v0.4/traces', { method: 'POST', body: 'x' }],
    [SERVICES, {}],
  ];
  for (const [path, request] of sent) {
    for (const headers of own) {
      t.is((await ask(path, { ...request, headers: { ...request.headers, ...headers } })).status, 200);
    }
  }
  const kept = store.commits.length;
  let count = 0;
  for (const headers of foreign) {
    for (const [path, request] of [...sent, ['/api/v1/events', {}]] satisfies typeof sent) {
      const got = await ask(path, { ...request, headers: { ...request.headers, ...headers } });
      t.is(got.status, 403, `${path} ${JSON.stringify(headers)}`);
      t.regex(got.text, /this request comes from another page, which may not ask this collector\./);
      count += 1;
    }
  }
  t.is(store.commits.length, kept);
  t.deepEqual((await json('/api/v1/status')).refused, { origin: count });
  // A link on another page may lead to this one, which shows nothing to the other.
  const { status } = await ask('/', {
    headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
  });
  t.is(status, 404);
});

test('who does not send a head, or the rest of a body, is cut off in time', async (t) => {
  const limits = { headersTime: 300, requestTime: 600, idleTime: 60_000 };
  const { raw, json, store } = await openCollector(t, { limits });
  const late =
    /^(HTTP\/1\.1 408 .*\{"error":"the request did not come whole in the time that there is for it\. .*"\}|)$/s;
  const head = await raw();
  head.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  t.regex(await head.ended, late);
  const upload = agentUpload();
  const body = await raw();
  body.socket.write(
    `POST ${AGENT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nContent-Type: ${upload.headers?.['Content-Type']}\r\n\r\n`,
  );
  body.socket.write('--9f2c41d07ab35e68\r\n');
  t.regex(await body.ended, late);
  await until(async () => (await json('/api/v1/status')).heldBytes === 0, 'the room');
  t.deepEqual(store.commits, []);
});

test('a connection on which nothing happens is closed, before a request and behind one', async (t) => {
  const { raw } = await openCollector(t, { limits: { idleTime: 300 } });
  const silent = await raw();
  t.regex(await silent.ended, /^(HTTP\/1\.1 408 .*|)$/s);
  const done = await raw();
  done.socket.write(`GET ${SERVICES} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  t.regex(await done.ended, /^HTTP\/1\.1 200 /);
});

test('an endless body is stopped, and its sender is told why', async (t) => {
  const { raw, json, store } = await openCollector(t, {
    limits: { bodyBytes: 1024 * 1024, lingerTime: 300 },
  });
  const upload = agentUpload();
  for (const type of ['application/octet-stream', String(upload.headers?.['Content-Type'])]) {
    const path = type.startsWith('multipart') ? AGENT : '/ingest?name=a&format=pprof';
    const { socket, said, ended } = await raw();
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: ${type}\r\n\r\n`,
    );
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const write = (): void => {
      if (!isOver) socket.write(piece, () => setImmediate(write));
    };
    write();
    t.regex(await said('fewer in one request.'), /^HTTP\/1\.1 413 /);
    await ended;
  }
  await until(async () => (await json('/api/v1/status')).heldBytes === 0, 'the room');
  t.deepEqual(store.commits, []);
});

test('nobody is read for ever who sends more than is asked for', async (t) => {
  const { raw, ask } = await openCollector(t, { limits: { lingerTime: 300 } });
  for (const path of [SERVICES, '/info', '/', '/api/v1/events']) {
    const { socket, said, ended } = await raw();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`);
    let isOver = false;
    const over = ended.then(() => {
      isOver = true;
    });
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const write = (): void => {
      if (!isOver) socket.write(piece, () => setImmediate(write));
    };
    write();
    await said('HTTP/1.1 ');
    await over;
    t.pass(path);
  }
  t.is((await ask(SERVICES)).status, 200);
});

test('a client that goes half-way leaves nothing behind', async (t) => {
  const { raw, json, store, lines } = await openCollector(t);
  const { headers, body } = agentUpload();
  const bytes = Buffer.from(body ?? '');
  const held = async (): Promise<number> => Number((await json('/api/v1/status')).heldBytes);
  const halves = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const connection = await raw();
      connection.socket.write(
        `POST ${AGENT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes.length}\r\nContent-Type: ${headers?.['Content-Type']}\r\n\r\n`,
      );
      connection.socket.write(bytes.subarray(0, 100 + index));
      return connection;
    }),
  );
  await until(async () => (await held()) === 8 * 100 + 28, 'the halves');
  for (const [index, { socket }] of halves.entries()) {
    if (index % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
  await until(async () => (await held()) === 0, 'the room');
  t.deepEqual(store.commits, []);
  t.deepEqual(lines, []);
  t.deepEqual((await json('/api/v1/status')).refused, {});
});

test('a client that has sent everything and closes its half gets its answer', async (t) => {
  const { raw, store } = await openCollector(t);
  const open = store.stall();
  const { headers, body } = agentUpload();
  const { socket, ended } = await raw();
  socket.write(
    `POST ${AGENT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body ?? '')}\r\nContent-Type: ${headers?.['Content-Type']}\r\n\r\n`,
  );
  socket.end(body ?? '');
  await until(() => store.isBusy, 'the commit');
  open();
  t.regex(await ended, /^HTTP\/1\.1 200 /);
  t.is(store.uploads.length, 1);
});

test('a client that has gone before its answer has its upload kept all the same', async (t) => {
  const { raw, store, ask, lines } = await openCollector(t);
  const open = store.stall();
  const { headers, body } = agentUpload();
  const { socket } = await raw();
  socket.write(
    `POST ${AGENT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body ?? '')}\r\nContent-Type: ${headers?.['Content-Type']}\r\n\r\n`,
  );
  socket.write(body ?? '');
  await until(() => store.isBusy, 'the commit');
  socket.resetAndDestroy();
  open();
  await until(() => store.uploads.length === 1, 'the upload');
  t.is((await ask(SERVICES)).status, 200);
  t.deepEqual(lines, []);
});

test('bytes that are no HTTP are answered and forgotten', async (t) => {
  const { raw, ask } = await openCollector(t);
  const foreign = '400 this is no HTTP/1.1, or is damaged. Send requests as RFC 9112 has them, without TLS.';
  for (const [bytes, expected] of [
    ['\x16\x03\x01\x02\x00', foreign],
    ['GET\r\n\r\n', foreign],
    ['GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', foreign],
    [
      `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      '431 the head of the request has more than 32 KiB. Ask with a shorter address, or send fewer headers.',
    ],
  ] as const) {
    const { socket, ended } = await raw();
    socket.end(bytes);
    const [head = '', body = ''] = (await ended).split('\r\n\r\n');
    t.is(`${head.slice('HTTP/1.1 '.length).slice(0, 3)} ${JSON.parse(body).error}`, expected);
  }
  const nameless = await raw();
  nameless.socket.end(`GET ${SERVICES} HTTP/1.1\r\nConnection: close\r\n\r\n`);
  t.regex(await nameless.ended, /^HTTP\/1\.1 403 .*the host "" is not this collector's\. /s);
  const tunnel = await raw();
  tunnel.socket.end('CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.is(await tunnel.ended, '');
  t.is((await ask(SERVICES)).status, 200);
});

test('so many connections and no more', async (t) => {
  const { raw, ask } = await openCollector(t, { limits: { connections: 3 } });
  const open = await Promise.all([raw(), raw(), raw()]);
  const error = await t.throwsAsync<NodeJS.ErrnoException>(ask(SERVICES));
  t.regex(String(error?.code), /^(ECONNRESET|EPIPE)$/);
  for (const { socket } of open) socket.destroy();
  await until(
    () =>
      ask(SERVICES).then(
        ({ status }) => status === 200,
        () => false,
      ),
    'the room',
  );
});
