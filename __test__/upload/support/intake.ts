import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { ExecutionContext } from 'ava';
import { generate } from 'selfsigned';
import { temporaryFolder } from '../../support/folder.js';
import { type DatadogReceiver, startDatadogReceiver } from '../../support/receivers/datadog.js';

/** A site of Datadog that nobody else has. */
const SITE = 'example.test';
const HOST = `intake.profile.${SITE}`;

export interface TestIntake {
  receiver: DatadogReceiver;
  /** Hosts that the proxy was asked for. */
  asked: string[];
  /** Settings by which a process sends to it without an Agent. */
  env: Record<string, string>;
}

/** Datadog's intake as a process meets it: by the name of its site, with TLS, behind a proxy. */
export async function startIntake(t: ExecutionContext, apiKey: string): Promise<TestIntake> {
  const receiver = await startDatadogReceiver({ apiKey });
  t.teardown(() => receiver.close());
  const { private: key, cert } = await generate([{ name: 'commonName', value: HOST }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: HOST }] }],
  });
  const certificate = join(temporaryFolder(t), 'cert.pem');
  writeFileSync(certificate, cert);

  const secure = createTlsServer({ key, cert }, (socket) =>
    joinBoth(socket, connect(Number(new URL(receiver.url).port), '127.0.0.1')),
  );
  const securePort = await listen(t, secure);
  const asked: string[] = [];
  const proxy = createServer().on('connect', ({ url = '' }: IncomingMessage, socket: Duplex) => {
    asked.push(url);
    const onward = connect(securePort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      joinBoth(socket, onward);
    });
  });
  const proxyPort = await listen(t, proxy);
  const proxied = `http://127.0.0.1:${proxyPort}`;
  return {
    receiver,
    asked,
    env: {
      DD_PROFILING_AGENTLESS: 'true',
      DD_SITE: SITE,
      // Whoever runs the tests may have some of them, and small letters win.
      HTTPS_PROXY: proxied,
      https_proxy: proxied,
      NO_PROXY: '',
      no_proxy: '',
      NODE_EXTRA_CA_CERTS: certificate,
    },
  };
}

function joinBoth(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
  }
}

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
