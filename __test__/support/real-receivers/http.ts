import { request } from 'node:http';
import type { Answer as AnyAnswer, OutgoingRequest } from '#src/upload/upload.js';

/** An answer of which the body is a text. */
export interface Answer extends Omit<AnyAnswer, 'body'> {
  body: string;
}

/** Sends a request and gives the whole answer. */
export function send(outgoing: Omit<OutgoingRequest, 'part'>): Promise<Answer> {
  const { url, socketPath, headers, body } = outgoing;
  return new Promise((resolve, reject) => {
    const sending = request(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'Content-Length': body.length },
        agent: false,
        ...(socketPath === undefined ? {} : { socketPath }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const headers = Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, value?.toString()]),
          );
          resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(parts).toString() });
        });
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}

/** A request that a receiver has taken. */
export interface Received {
  method: string;
  /** With the query. */
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

/** One file of a multipart body. */
export interface Part {
  name: string;
  /** Empty where the part is a field. */
  filename: string;
  type: string;
  data: Buffer;
}

/** The parts of a multipart body in their order, as Node.js reads them. */
export async function partsOf({ headers, body }: Received): Promise<Part[]> {
  const type = headers['content-type'] ?? '';
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  const parts: Part[] = [];
  for (const [name, value] of form) {
    if (typeof value === 'string') parts.push({ name, filename: '', type: '', data: Buffer.from(value) });
    else {
      const data = Buffer.from(await value.arrayBuffer());
      parts.push({ name, filename: value.name, type: value.type, data });
    }
  }
  return parts;
}
