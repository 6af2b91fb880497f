import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { readPieces } from '../http/body';
import { malformed, Refusal, tooLarge } from '../http/refusal';
import type { Share } from '../http/room';
import type { Limits } from '../limits';

/** Of a part without a file name, which the reader keeps as text. What is cut there is no JSON any more. */
const MOST_FIELD_BYTES = 4 * 1024 * 1024;

/** One part of a `multipart/form-data` body (RFC 7578). */
export interface Part {
  /** Of the form's field. */
  name: string;
  /** Undefined where the part names no file. */
  filename: string | undefined;
  data: Buffer;
}

/** As receivers know it: by its file, or else by its field. */
export function nameOf({ name, filename }: Part): string {
  return filename ?? name;
}

export function isMultipart(request: IncomingMessage): boolean {
  return /^multipart\/form-data\s*;/i.test(request.headers['content-type'] ?? '');
}

/** Reads the parts of a request while it comes. Rejects with a Refusal for what is no such body, and for too many parts. */
export async function readParts(request: IncomingMessage, limits: Limits, share: Share): Promise<Part[]> {
  const parts: Part[] = [];
  const reader = openReader(request, limits);
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
  };
  const done = new Promise<void>((resolve) => {
    reader.once('finish', resolve).on('error', (error) => {
      fail(broken(error));
      resolve();
    });
  });
  reader.on('file', (name, stream, filename) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    // A part that is cut short, which the reader itself tells of as well.
    stream.on('error', (error: Error) => fail(broken(error)));
    stream.on('end', () => parts.push({ name, filename, data: Buffer.concat(pieces) }));
  });
  reader.on('field', (name, value) => parts.push({ name, filename: undefined, data: Buffer.from(value) }));
  const tooMany = (): void =>
    fail(
      tooLarge(
        `the request has more than ${limits.attachments} attachments. Send the others in another one.`,
      ),
    );
  reader.on('filesLimit', tooMany).on('fieldsLimit', tooMany).on('partsLimit', tooMany);
  try {
    await readPieces(request, limits, share, (piece) => {
      if (failure) throw failure;
      reader.write(piece);
    });
    reader.end();
    await done;
    if (failure) throw failure;
  } finally {
    reader.destroy();
  }
  return parts;
}

function openReader(request: IncomingMessage, limits: Limits): BusboyInstance {
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: {
        // With the event.
        files: limits.attachments + 1,
        fields: limits.attachments,
        fieldNameSize: limits.nameCharacters,
        fieldSize: MOST_FIELD_BYTES,
        fileSize: limits.bodyBytes,
        headerPairs: 16,
      },
    });
  } catch (error) {
    throw new Refusal(
      415,
      `the body is no form with parts (${(error as Error).message}). Send multipart/form-data with its boundary.`,
      'unsupported',
    );
  }
}

function broken(error: unknown): Error {
  if (error instanceof Refusal) return error;
  return malformed('the parts of the form are broken or cut short. Send it whole, as RFC 7578 has it.');
}
