import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Something that goes wrong with one request. */
export type Fault =
  /** Any answer. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string | Buffer }
  /** The connection is reset after so many bytes of the body, or before an answer. */
  | { kind: 'reset'; afterBytes?: number }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** Answers with the head at once and then one byte after the other, over so many milliseconds. */
  | { kind: 'slow'; milliseconds: number }
  /** Answers with bytes that are no HTTP. */
  | { kind: 'garbage' };

/** What goes wrong, as a test wants it. */
export interface Faults {
  /** For the next requests, one each. */
  next(...faults: Fault[]): void;
  /** For all further ones; nothing for undefined. */
  always(fault: Fault | undefined): void;
  /** Nobody listens any more: connections are refused. */
  refuse(): Promise<void>;
  /** Listens again, at the same place. */
  accept(): Promise<void>;
}

/** A request that came whole. */
export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface FaultyServer {
  /** Without a path; undefined on a socket. */
  url: string;
  /** Requests that came, also those that something went wrong with. */
  attempts: { path: string; at: number; fault?: Fault['kind'] }[];
  faults: Faults;
  close(): Promise<void>;
}

/** An HTTP server on a free port or a Unix socket. `answer` gets the requests that nothing goes wrong with. */
export async function startFaultyServer(
  answer: (request: Request) => Reply | Promise<Reply>,
  socketPath?: string,
): Promise<FaultyServer> {
  const planned: Fault[] = [];
  let standing: Fault | undefined;
  const attempts: FaultyServer['attempts'] = [];
  const sockets = new Set<Socket>();
  let port = 0;
  let server: Server;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = planned.shift() ?? standing;
    const path = request.url ?? '';
    attempts.push({ path, at: Date.now(), ...(fault && { fault: fault.kind }) });
    const body = await readBody(request, fault);
    if (body === undefined || fault?.kind === 'hang') return;
    if (fault?.kind === 'garbage') {
      request.socket.end('\u0000\u0001 this is no answer\r\n\r\n');
      return;
    }
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    const url = new URL(path, 'http://localhost');
    const reply = await answer({
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers as Record<string, string>,
      body,
    });
    // Nothing cannot be slow.
    const content = Buffer.from(reply.body || (fault?.kind === 'slow' ? ' '.repeat(10) : ''));
    response.writeHead(reply.status, { ...reply.headers, 'content-length': content.length });
    if (fault?.kind === 'slow') {
      response.flushHeaders();
      await drip(response, content, fault.milliseconds);
    }
    response.end(fault?.kind === 'slow' ? undefined : content);
  };

  const listen = async (): Promise<void> => {
    server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(String(error));
      });
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    if (socketPath) rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (socketPath) server.listen(socketPath, resolve);
      else server.listen(port, '127.0.0.1', resolve);
    });
    if (!socketPath) port = (server.address() as AddressInfo).port;
  };

  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };

  await listen();
  return {
    url: socketPath ? `unix://${socketPath}` : `http://127.0.0.1:${port}`,
    attempts,
    faults: {
      next: (...faults) => {
        planned.push(...faults);
      },
      always: (fault) => {
        standing = fault;
      },
      refuse: close,
      accept: listen,
    },
    close,
  };
}

/** The whole body; undefined where the connection was reset within it, by either side. */
async function readBody(request: IncomingMessage, fault: Fault | undefined): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (fault?.kind === 'reset' && length >= (fault.afterBytes ?? Number.POSITIVE_INFINITY)) break;
    }
  } catch {
    return undefined;
  }
  if (fault?.kind === 'reset') {
    request.socket.resetAndDestroy();
    return undefined;
  }
  return Buffer.concat(chunks);
}

async function drip(response: ServerResponse, content: Buffer, milliseconds: number): Promise<void> {
  const step = milliseconds / Math.max(1, content.length);
  for (let offset = 0; offset === 0 || offset < content.length; offset++) {
    await new Promise((resolve) => setTimeout(resolve, step).unref());
    response.write(content.subarray(offset, offset + 1));
  }
}
