import { createServer } from 'node:http';
import Module from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { DatadogExporter } from '#src/upload/exporters/datadog.js';
import { datadogTarget } from '#src/upload/exporters/datadog-target.js';
import { OtlpExporter } from '#src/upload/exporters/otlp.js';
import { makeSend, NoAnswer } from '#src/upload/send.js';
import type { Exporter, OutgoingRequest } from '#src/upload/upload.js';
import { givenIdentity } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { startFaultyServer } from '../support/receivers/faulty-server.js';
import { agentExporter, pyroscopeExporter } from './support/exporters.js';
import { givenProfile } from './support/process.js';

/** What `require` goes through. */
interface Loader {
  _load(name: string, ...rest: unknown[]): unknown;
}

// Node.js 20.0 to 20.2 have no such function.
delete (AbortSignal as { any?: unknown }).any;

test('a request is answered, is broken off, and ends when its time is over', async (t) => {
  const server = await startFaultyServer(() => ({ status: 204 }));
  t.teardown(server.close);
  const request: OutgoingRequest = { part: 'p', url: server.url, headers: {}, body: Buffer.from('body') };
  const send = makeSend('everflame/test', 60_000);
  const broken = new AbortController();
  t.is((await send(request, broken.signal)).status, 204);
  server.faults.always({ kind: 'hang' });
  const sent = send(request, broken.signal);
  const timer = setInterval(() => server.attempts.length === 2 && broken.abort(), 1);
  await t.throwsAsync(sent, { instanceOf: NoAnswer, message: 'canceled' });
  clearInterval(timer);
  // What is broken off already is not begun.
  await t.throwsAsync(send(request, broken.signal), { instanceOf: NoAnswer, message: 'canceled' });
  const { signal } = new AbortController();
  const late = { instanceOf: NoAnswer, message: 'no answer within 50 ms' };
  await t.throwsAsync(send({ ...request, timeoutMilliseconds: 50 }, signal), late);
  await t.throwsAsync(makeSend('everflame/test', 50)(request, signal), late);
  t.is(server.attempts.length, 4);
});

test.serial('the time of the first upload begins when axios is loaded', async (t) => {
  const server = await startFaultyServer(() => ({ status: 200 }));
  t.teardown(server.close);
  const events: string[] = [];
  const { _load: load } = Module as unknown as Loader;
  const later = globalThis.setTimeout;
  t.teardown(() => {
    (Module as unknown as Loader)._load = load;
    globalThis.setTimeout = later;
  });
  (Module as unknown as Loader)._load = (name, ...rest) => {
    if (name === 'axios') events.push('loaded');
    return load(name, ...rest);
  };
  globalThis.setTimeout = ((task: () => void, milliseconds?: number) => {
    if (milliseconds === 54_321) events.push('begun');
    return later(task, milliseconds);
  }) as typeof setTimeout;
  const request: OutgoingRequest = { part: 'p', url: server.url, headers: {}, body: Buffer.from('body') };
  const { status } = await makeSend('everflame/test', 54_321)(request, new AbortController().signal);
  t.is(status, 200);
  t.deepEqual(events, ['loaded', 'begun']);
});

test('an answer is asked for without compression, and one that is compressed all the same is no text', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = await startFaultyServer(({ headers, path }) => {
    asked.push(headers['accept-encoding']);
    const body = Buffer.from('no such key');
    return path === '/plain'
      ? { status: 403, body }
      : { status: 403, body: gzipSync(body), headers: { 'content-encoding': 'gzip' } };
  });
  t.teardown(server.close);
  const send = makeSend('everflame/test', 60_000);
  const bodyOf = async (path: string): Promise<string> => {
    const request = { part: 'p', url: `${server.url}/${path}`, headers: {}, body: Buffer.from('body') };
    return (await send(request, new AbortController().signal)).body.toString();
  };
  t.is(await bodyOf('plain'), 'no such key');
  t.is(await bodyOf('compressed'), '');
  t.deepEqual(asked, ['identity', 'identity']);
});

test('the socket of an Agent is named with one slash or with three', async (t) => {
  const socketPath = join(temporaryFolder(t), 'apm.socket');
  const server = await startFaultyServer(() => ({ status: 200 }), socketPath);
  t.teardown(server.close);
  for (const url of [`unix:${socketPath}`, `unix://${socketPath}`, `UNIX:${socketPath}`]) {
    const exporter = agentExporter({ url });
    t.is(exporter.destination, `the Datadog Agent at unix://${socketPath}`);
    await sendBy(exporter);
  }
  t.is(server.attempts.length, 3);
});

/** A proxy that hands nothing on, and that the environment names. */
async function startProxy(t: ExecutionContext): Promise<{ asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(502).end();
  });
  server.on('connect', (request, socket) => {
    asked.push(`${request.method} ${request.url}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  process.env.HTTP_PROXY = url;
  process.env.HTTPS_PROXY = url;
  t.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    server.close();
  });
  return { asked };
}

/** Sends a profile by an exporter; what it is told does not matter. */
async function sendBy(exporter: Exporter): Promise<void> {
  const send = makeSend('everflame/test', 10_000);
  for (const request of await exporter.requests(givenProfile(givenIdentity(), 0))) {
    await send(request, new AbortController().signal).catch((error: unknown) => {
      if (!(error instanceof NoAnswer)) throw error;
    });
  }
}

test.serial('an Agent is never reached by a proxy, wherever it is', async (t) => {
  const server = await startFaultyServer(() => ({ status: 200 }));
  t.teardown(server.close);
  const { asked } = await startProxy(t);
  // This machine, by an address that is not of those that no proxy is asked for.
  const url = server.url.replace('127.0.0.1', '0.0.0.0');
  await sendBy(agentExporter({ url }));
  await sendBy(agentExporter({ url: 'http://agent.invalid:8126' }));
  await sendBy(agentExporter({ url: 'https://agent.invalid' }));
  t.deepEqual(asked, []);
  t.deepEqual(
    server.attempts.map(({ path }) => path),
    ['/profiling/v1/input'],
  );
});

test.serial('others are reached by the proxy of the environment, unless NO_PROXY names them', async (t) => {
  const server = await startFaultyServer(() => ({ status: 200 }));
  t.teardown(server.close);
  const { asked } = await startProxy(t);
  const url = server.url.replace('127.0.0.1', '0.0.0.0');
  const { target } = datadogTarget({
    url: undefined,
    agentHost: undefined,
    agentPort: 8126,
    apiKey: 'key',
    site: 'example.invalid',
    agentless: true,
    isKeyInCode: false,
    namesPort: false,
  });
  await sendBy(pyroscopeExporter({ url }));
  await sendBy(new OtlpExporter({ endpoint: url }));
  await sendBy(new DatadogExporter(target, {}));
  t.deepEqual(
    [...new Set(asked)],
    [
      `POST ${url}/push.v1.PusherService/Push`,
      `POST ${url}/v1development/profiles`,
      'CONNECT intake.profile.example.invalid:443',
    ],
  );
  t.deepEqual(server.attempts, []);
  asked.length = 0;
  process.env.NO_PROXY = '0.0.0.0,.example.invalid';
  await sendBy(pyroscopeExporter({ url }));
  await sendBy(new OtlpExporter({ endpoint: url }));
  await sendBy(new DatadogExporter(target, {}));
  t.deepEqual(asked, []);
  t.deepEqual(
    [...new Set(server.attempts.map(({ path }) => path))],
    ['/push.v1.PusherService/Push', '/v1development/profiles'],
  );
});

test.serial(
  'where a proxy that is none, or does not answer, is in the way, its variable is named',
  async (t) => {
    await startProxy(t);
    const send = makeSend('everflame/test', 10_000);
    const reasonFor = async (proxy: string, noProxy: boolean): Promise<string> => {
      process.env.HTTP_PROXY = proxy;
      const request = {
        part: 'wall',
        url: 'http://receiver.invalid/',
        headers: {},
        body: Buffer.alloc(0),
        noProxy,
      };
      const error = await t.throwsAsync(send(request, new AbortController().signal), {
        instanceOf: NoAnswer,
      });
      return error?.message ?? '';
    };
    for (const proxy of [
      'not a proxy',
      '::::',
      'http://127.0.0.1:99999',
      'socks5://127.0.0.1:9',
      'http://127.0.0.1:9',
    ]) {
      t.regex(await reasonFor(proxy, false), /^\S.* \(HTTP_PROXY names a proxy: check that too\)$/, proxy);
      t.false((await reasonFor(proxy, true)).includes('PROXY'), proxy);
    }
  },
);
