import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { type Collector, type CollectorOptions, startCollector } from '#src/collector/collector.js';
import { Logger } from '#src/log.js';
import { temporaryFolder } from '../../support/folder.js';
import { MemoryStore } from '../../support/memory-store.js';

/** An answer that came whole. */
export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface AskOptions {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: Buffer | string;
  /** Without a length. */
  isChunked?: boolean;
  socketPath?: string;
}

/** A collector over a store in memory. */
export interface Opened {
  collector: Collector;
  store: MemoryStore;
  /** Lines of its log. */
  lines: string[];
  url: string;
  ask(path: string, options?: AskOptions): Promise<Got>;
  /** The JSON of an answer with status 200. */
  json(path: string): Promise<Record<string, unknown>>;
  /** The sentence of an answer that is an error, with its status before it. */
  error(path: string, options?: AskOptions): Promise<string>;
  /** A connection on which anything may be written. */
  raw(): Promise<RawConnection>;
}

/** Starts a collector on a free port of this machine. It is closed with the test, which fails where the store was misused. */
export async function openCollector(
  t: ExecutionContext,
  options: Partial<CollectorOptions> = {},
): Promise<Opened> {
  const store = new MemoryStore();
  const lines: string[] = [];
  const say = (line: string): void => {
    lines.push(line);
  };
  const logger = new Logger('debug', { error: say, warn: say, info: say, debug: say });
  const page = options.page ?? temporaryFolder(t);
  const collector = await startCollector({ store, logger, port: 0, ...options, page });
  t.teardown(async () => {
    await collector.close();
    // No assertion is taken here.
    if (store.violations.length > 0) throw new Error(`the store was misused: ${store.violations.join('; ')}`);
  });
  const url = `http://127.0.0.1:${collector.port}`;
  const ask: Opened['ask'] = (path, given) => askAt(url, path, given);
  return {
    collector,
    store,
    lines,
    url,
    ask,
    json: async (path) => {
      const { status, text } = await ask(path);
      t.is(status, 200, text);
      return JSON.parse(text) as Record<string, unknown>;
    },
    error: async (path, given) => {
      const { status, text } = await ask(path, given);
      return `${status} ${(JSON.parse(text) as { error: string }).error}`;
    },
    raw: () => openRaw(collector.port),
  };
}

/** Sends a request on a connection of its own. The path goes out as it is. */
export function askAt(url: string, path: string, options: AskOptions = {}): Promise<Got> {
  const { method = 'GET', headers = {}, body, isChunked = false, socketPath } = options;
  const length = body === undefined || isChunked ? {} : { 'Content-Length': Buffer.byteLength(body) };
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        method,
        path,
        ...(socketPath === undefined ? { host: hostname.replace(/[[\]]/g, ''), port } : { socketPath }),
        headers: { ...length, ...headers },
        agent: false,
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const all = Buffer.concat(pieces);
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, headers: received, body: all, text: all.toString() });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** A connection, and what has come on it. */
export interface RawConnection {
  socket: Socket;
  /** Settles with all that came when the other side has closed it. */
  ended: Promise<string>;
  /** Settles when this has come. */
  said(text: string): Promise<string>;
}

async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let received = '';
  const heard = new Set<() => void>();
  const tell = (): void => {
    for (const listener of heard) listener();
  };
  socket.setEncoding('utf8').on('data', (piece: string) => {
    received += piece;
    tell();
  });
  const ended = new Promise<string>((resolve) => {
    const over = (): void => {
      resolve(received);
      socket.destroy();
      tell();
    };
    // A connection that is cut off is one that has ended.
    socket.on('end', over).on('error', over).on('close', over);
  });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (received.includes(text)) resolve(received);
        else if (socket.destroyed) reject(new Error(`it ended before it said "${text}": ${received}`));
        else return;
        heard.delete(look);
      };
      heard.add(look);
      look();
    });
  return { socket, ended, said };
}

/** Settles when something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`${what} has not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
