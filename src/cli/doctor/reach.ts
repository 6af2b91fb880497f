import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, reasonOf } from '../../log';
import { isHere } from '../../upload/proxy';
import type { RequestAddress } from '../../upload/upload';

/** How long one receiver may take, whatever is asked of it. */
const REACH_MILLISECONDS = 3000;
/** Most that is read of an answer. */
const MOST_BYTES = 1024 * 1024;

/** Why a place cannot be reached: the system's code, and words for people. */
export interface Unreached {
  ok: false;
  code: string;
  reason: string;
}

export type Connected = { ok: true; detail: string } | Unreached;
export type Answered =
  | { ok: true; status: number; headers: Record<string, string>; body: string }
  | Unreached;

const TIMED_OUT: Unreached = {
  ok: false,
  code: 'ETIMEDOUT',
  reason: `no answer within ${REACH_MILLISECONDS / 1000} s`,
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'the socket does not exist',
  EACCES: 'this user may not write to the socket',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'no name server answers',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'it ends the connection',
  EPROTO: 'it does not speak TLS there',
};
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_/;

/** Opens a connection, for `https` with its handshake, and closes it: nothing is sent. */
export async function connectTo(url: URL): Promise<Connected> {
  return limited(async (signal) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isTls = url.protocol === 'https:';
    const { address } = await lookup(host);
    const port = Number(url.port) || (isTls ? 443 : 80);
    await opened(isTls ? tls(address, host, port) : connect({ host: address, port }), isTls, signal);
    return { ok: true, detail: `${address} port ${port}` };
  });
}

/** As `connectTo`, for a Unix socket. */
export async function connectToSocket(path: string): Promise<Connected> {
  return limited(async (signal) => {
    await opened(connect({ path } satisfies NetConnectOpts), false, signal);
    return { ok: true, detail: path };
  });
}

/**
 * Asks by `GET` or `HEAD`, in the way that uploads go: by the proxy of the environment, where there is one, unless `way` has
 * `noProxy`. No key is sent.
 */
export async function ask(
  method: 'get' | 'head',
  url: URL,
  { socketPath, noProxy }: Omit<RequestAddress, 'url'> = {},
): Promise<Answered> {
  // Its loading is not the receiver's time.
  const axios = require('axios') as typeof import('axios');
  return limited(async (signal) => {
    const target = new URL(url);
    target.username = '';
    target.password = '';
    const answer = await axios.request<string>({
      method,
      url: target.href,
      adapter: 'http',
      httpAgent: new HttpAgent({ keepAlive: false }),
      httpsAgent: new HttpsAgent({ keepAlive: false }),
      signal,
      maxRedirects: 0,
      maxContentLength: MOST_BYTES,
      responseType: 'text',
      transformResponse: [(data: unknown) => data],
      validateStatus: () => true,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(noProxy || socketPath !== undefined || isHere(url) ? { proxy: false as const } : {}),
    });
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    const body = typeof answer.data === 'string' ? answer.data : '';
    return { ok: true, status: answer.status, headers: Object.fromEntries(headers), body };
  });
}

function tls(address: string, host: string, port: number): Socket {
  return connectTls({ host: address, port, ...(isIP(host) ? {} : { servername: host }) });
}

function opened(socket: Socket, isTls: boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => socket.destroy(new Error('aborted')), { once: true });
    socket.once('error', reject);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      socket.on('error', () => undefined);
      socket.destroy();
      resolve();
    });
  });
}

async function limited<Outcome extends { ok: true }>(
  work: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome | Unreached> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Unreached>((resolve) => {
    // A name server that does not answer cannot be interrupted: it is left alone.
    timer = setTimeout(() => {
      controller.abort();
      resolve(TIMED_OUT);
    }, REACH_MILLISECONDS);
  });
  try {
    return await Promise.race([work(controller.signal).catch(unreached), over]);
  } finally {
    clearTimeout(timer);
  }
}

function unreached(error: unknown): Unreached {
  // Node.js puts the attempts on several addresses in one error without a code.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const cause = (first as { cause?: unknown } | undefined)?.cause;
  const code = codeOf(first) ?? codeOf(cause) ?? '';
  if (CERTIFICATE.test(code)) {
    return { ok: false, code, reason: `its certificate is not trusted (${reasonOf(first)})` };
  }
  const known = code in REASONS ? `${REASONS[code]} (${code})` : undefined;
  return { ok: false, code, reason: known ?? (reasonOf(first) || code || 'it cannot be reached') };
}
