import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { codeOf } from '../../log';
import { HEADERS } from './answer';

/** What cannot be told as an answer to a request, since there is none: by the code of the error, its status and its sentence. */
const TOLD: Record<string, [status: string, sentence: string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'the head of the request has more than 32 KiB. Ask with a shorter address, or send fewer headers.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'the request did not come whole in the time that there is for it. Send it faster, or less in one.',
  ],
};
const ANYTHING_ELSE: [status: string, sentence: string] = [
  '400 Bad Request',
  'this is no HTTP/1.1, or is damaged. Send requests as RFC 9112 has them, without TLS.',
];

/** Has a server answer what it cannot read as it answers all else, and then close the connection. */
export function tellUnreadable(server: Server): void {
  const open = new WeakMap<Duplex, Set<ServerResponse>>();
  server.on('request', ({ socket }, response) => {
    const responses = open.get(socket) ?? new Set();
    open.set(socket, responses.add(response));
    response.once('close', () => responses.delete(response));
  });
  server.on('clientError', (error, socket) => {
    // Into the middle of another answer nothing can be said.
    const isBusy = [...(open.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    if (!socket.writable || isBusy) socket.destroy();
    else socket.end(answerTo(codeOf(error)));
  });
}

function answerTo(code = ''): string {
  const [status, sentence] = TOLD[code] ?? ANYTHING_ELSE;
  const body = JSON.stringify({ error: sentence });
  const headers = Object.entries({
    ...HEADERS,
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
  });
  const head = [`HTTP/1.1 ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
