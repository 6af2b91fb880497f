import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { isLoopback } from '../listen/tcp';

/** From here on an answer is compressed for whoever takes that, and is not on this machine. */
const LARGE_BYTES = 16 * 1024;

/** For answers that are no page: a browser is to do nothing with them but read them. */
export const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  // What profiles tell is private: no copy of it stays on a disk.
  'Cache-Control': 'no-store',
};

/** What to answer. */
export interface Answer {
  status?: number;
  type: string;
  body: Buffer | string;
  headers?: Record<string, string>;
  /** It is compressed already. */
  isPacked?: boolean;
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value), headers };
}

export function text(body: string, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n`, headers };
}

/** Sends an answer, with nothing behind its head where only that was asked for. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  const { status = 200, type, headers = {}, isPacked = false } = answer;
  let body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const isPackable = !isPacked && body.length >= LARGE_BYTES && comesFromAfar(request);
  const packing: Record<string, string> = isPackable ? { Vary: 'Accept-Encoding' } : {};
  if (isPackable && takesGzip(request.headers['accept-encoding'])) {
    packing['Content-Encoding'] = 'gzip';
    body = await promisify(gzip)(body, { level: constants.Z_BEST_SPEED });
  }
  if (response.destroyed) return;
  const hasNone = status === 304 || status === 204;
  response.writeHead(status, {
    ...HEADERS,
    ...(hasNone ? {} : { 'Content-Type': type, 'Content-Length': body.length }),
    ...packing,
    ...headers,
  });
  response.end(request.method === 'HEAD' || hasNone ? undefined : body);
}

/**
 * Whether an answer goes over a network. On one machine it takes longer to compress it, and to unpack it again, than to copy it: a large tree
 * was a third of the time. What a proxy asks for is somebody else's.
 */
function comesFromAfar({ socket, headers }: IncomingMessage): boolean {
  const isForwarded = ['via', 'forwarded', 'x-forwarded-for'].some((name) => headers[name] !== undefined);
  const address = socket.remoteAddress?.replace(/^::ffff:/, '');
  return isForwarded || (address !== undefined && !isLoopback(address));
}

/** RFC 9110, section 12.5.3: a coding with the weight 0 is not taken. */
function takesGzip(accepted = ''): boolean {
  const codings = accepted.split(',').map((coding) =>
    coding
      .trim()
      .toLowerCase()
      .split(/\s*;\s*q=/),
  );
  const [, weight = '1'] = codings.find(([name]) => name === 'gzip' || name === '*') ?? ['', '0'];
  return Number(weight) > 0;
}
