/** What a line says to do, where a receiver fails in a way that tells. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { generate } from 'selfsigned';
import { codeOf } from '#src/log.js';
import { remedyForError } from '#src/upload/remedy.js';
import type { Exporter } from '#src/upload/upload.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { agentExporter, pyroscopeExporter } from './support/exporters.js';
import { givenProcess } from './support/process.js';

/** The line of a process whose first attempt fails at this receiver. */
async function lineOf(t: ExecutionContext, exporter: Exporter): Promise<string> {
  const sender = givenProcess(t, { exporters: [exporter] });
  sender.take(0);
  await sender.dispatcher.rest();
  t.is(sender.lines.length, 1, sender.lines.join('\n'));
  return sender.lines[0] ?? '';
}

test('whoever answers is not looked for elsewhere', async (t) => {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  for (const [status, remedy] of [
    [429, /: 429\. They wait\. It limits how much it takes: raise that limit, or send less\.$/],
    [500, /: 500\. They wait\. It answers and cannot take them: its log says why/],
    [503, /: 503\. They wait\. It answers and cannot take them: its log says why/],
    [408, /: 408\. They wait\. Check that the Agent runs, or name its address with DD_TRACE_AGENT_URL\.$/],
  ] as const) {
    receiver.faults.always({ kind: 'status', status });
    t.regex(await lineOf(t, agentExporter(receiver)), remedy);
  }
  await receiver.faults.refuse();
  t.regex(await lineOf(t, agentExporter(receiver)), /ECONNREFUSED.*DD_TRACE_AGENT_URL/);
});

interface Certificate {
  port: number;
  cert: string;
}

/** A server with a certificate of its own for `localhost`, valid until that day. */
async function startTls(t: ExecutionContext, notAfterDate?: Date): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    ...(notAfterDate && { notBeforeDate: new Date(0), notAfterDate }),
  });
  const server = createServer({ key, cert }, (socket) => socket.on('error', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, cert };
}

test('a certificate that nobody vouches for is to be named', async (t) => {
  const { port } = await startTls(t);
  t.regex(
    await lineOf(t, pyroscopeExporter({ url: `https://127.0.0.1:${port}` })),
    /certificate\. They wait\. Name a file with the certificate of its authority by NODE_EXTRA_CA_CERTS=<file>\.$/,
  );
});

test('where no TLS is spoken the address is to be another', async (t) => {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  const url = receiver.url.replace('http:', 'https:');
  t.regex(await lineOf(t, pyroscopeExporter({ url })), /write http:\/\/ in place of https:\/\/\.$/);
});

/** How a client that trusts the certificate fails. */
async function failureOf({ port, cert }: Certificate, servername: string): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1', ca: cert, servername });
  const [error] = (await once(socket, 'error')) as [Error];
  return remedyForError(codeOf(error) ?? '');
}

test('a certificate of another name, or of another time, has a remedy of its own', async (t) => {
  t.is(await failureOf(await startTls(t), 'example.test'), 'Name the host as its certificate does.');
  t.is(
    await failureOf(await startTls(t, new Date(86_400_000)), 'localhost'),
    'Renew its certificate, or set the clock of this machine.',
  );
});
