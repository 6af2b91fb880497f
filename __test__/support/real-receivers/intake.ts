import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Received } from './http.js';

/** The place behind an Agent: a server that takes everything and keeps it. */
export interface Intake {
  url: string;
  received: Received[];
  /** What is answered from now on, and how long after a request; at first 202 at once. */
  answer(status: number, afterMilliseconds?: number): void;
  close(): Promise<void>;
}

export async function startIntake(): Promise<Intake> {
  const received: Received[] = [];
  let status = 202;
  let delay = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers,
        body: Buffer.concat(parts),
      });
      setTimeout(() => response.writeHead(status).end(), delay);
    });
  });
  // The Agent sends on a connection that it has used before; one that is closed just then is 503 to whoever has sent to it.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v2/profile`,
    received,
    answer(next, afterMilliseconds = 0) {
      status = next;
      delay = afterMilliseconds;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
