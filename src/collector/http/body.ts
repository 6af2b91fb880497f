import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Limits } from '../limits';
import { Abandoned, malformed, Refusal, tooLarge } from './refusal';
import type { Share } from './room';

const MIB = 1024 * 1024;

/**
 * Hands the body of a request over, piece by piece as it comes. Rejects with a Refusal beyond the limit or where there is no
 * room, and leaves the rest unread; with Abandoned where the client goes.
 */
export function readPieces(
  request: IncomingMessage,
  limits: Limits,
  share: Share,
  piece: (data: Buffer) => void,
): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.bodyBytes) return Promise.reject(bodyTooLarge(limits));
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const settle = (error?: Error): void => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      if (error) reject(error);
      else resolve();
    };
    const onData = (data: Buffer): void => {
      bytes += data.length;
      try {
        if (bytes > limits.bodyBytes) throw bodyTooLarge(limits);
        share.take(data.length);
        piece(data);
      } catch (error) {
        settle(error as Error);
      }
    };
    const onEnd = (): void => settle();
    const onGone = (): void => settle(new Abandoned('the client has gone'));
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/** The body of a request in one piece, without its content encoding: gzip or none. */
export async function readBody(request: IncomingMessage, limits: Limits, share: Share): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new Refusal(
      415,
      `the body is encoded with ${JSON.stringify(encoding.slice(0, 40))}, and gzip or none is read. Send it with Content-Encoding: gzip, or without one.`,
      'unsupported',
    );
  }
  const pieces: Buffer[] = [];
  await readPieces(request, limits, share, (piece) => pieces.push(piece));
  const body = Buffer.concat(pieces);
  return encoding === 'gzip' ? gunzip(body, limits, share) : body;
}

/** Unpacked off the event loop, and no further than the limit and the room. */
async function gunzip(body: Buffer, limits: Limits, share: Share): Promise<Buffer> {
  const stream = createGunzip();
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.end(body);
  try {
    for await (const piece of stream as Readable & AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > limits.decompressedBytes) {
        throw tooLarge(
          `the body has more than ${limits.decompressedBytes / MIB} MiB when it is unpacked. Send less in one request.`,
        );
      }
      share.take(piece.length);
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw malformed('the body is not gzip, as its Content-Encoding says, or is cut short. Send it whole.');
  }
  return Buffer.concat(pieces);
}

function bodyTooLarge(limits: Limits): Refusal {
  return tooLarge(
    `the request has more than ${limits.bodyBytes / MIB} MiB. Send profiles of a shorter time, or fewer in one request.`,
  );
}
