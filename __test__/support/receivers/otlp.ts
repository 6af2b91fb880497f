import { gunzipSync } from 'node:zlib';
import { type Faults, type FaultyServer, type Reply, startFaultyServer } from './faulty-server';
import { type CheckedOtlpRequest, checkRequest } from './otlp-contract';

/** A request that was taken. */
export interface OtlpRequest extends CheckedOtlpRequest {
  headers: Record<string, string>;
  path: string;
  /** Size without compression. */
  bytes: number;
}

export interface OtlpReceiverOptions {
  /** Where profiles are taken. */
  path?: string;
  /** A Collector without the feature gate for profiles: nobody is there. */
  withoutProfiles?: boolean;
  /** Headers that a request must have. */
  headers?: Record<string, string>;
  /** Most bytes of a request, as it comes. */
  mostBytes?: number;
  /** Told in the answer, as if so many profiles had been left out. */
  partialSuccess?: { rejected: number; message: string };
}

export interface OtlpReceiver {
  url: string;
  received: OtlpRequest[];
  violations: string[];
  /** Sums by sample type, such as `wall/nanoseconds`. */
  totals: Map<string, bigint>;
  attempts: FaultyServer['attempts'];
  faults: Faults;
  close(): Promise<void>;
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' };

/** A receiver of OTLP profiles over HTTP that takes no request which one of the real ones would refuse. */
export async function startOtlpReceiver(options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const received: OtlpRequest[] = [];
  const violations: string[] = [];
  const totals = new Map<string, bigint>();
  const path = options.path ?? '/v1development/profiles';
  const refuse = (status: number, message: string): Reply => ({
    status,
    headers: PROTOBUF,
    body: lengthDelimited(2, Buffer.from(message)),
  });
  const server = await startFaultyServer((request): Reply => {
    if (options.withoutProfiles || request.path !== path) {
      return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    }
    if (request.method !== 'POST') return { status: 405, body: '405 method not allowed' };
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      if (request.headers[name] !== value) return refuse(401, `the header ${name} is missing or wrong`);
    }
    if (request.headers['content-type'] !== 'application/x-protobuf') {
      violations.push(`the content type is ${request.headers['content-type']}`);
      return {
        status: 415,
        body: '415 unsupported media type, supported: [application/json, application/x-protobuf]',
      };
    }
    if (request.body.length > (options.mostBytes ?? Number.POSITIVE_INFINITY)) {
      return refuse(413, 'request body too large');
    }
    try {
      const encoding = request.headers['content-encoding'];
      if (encoding !== undefined && encoding !== 'gzip') throw new Error(`the encoding is ${encoding}`);
      const plain = encoding === 'gzip' ? gunzipSync(request.body) : request.body;
      const checked = checkRequest(plain);
      for (const { type, total } of checked.profiles) totals.set(type, (totals.get(type) ?? 0n) + total);
      received.push({ ...checked, headers: request.headers, path: request.path, bytes: plain.length });
    } catch (error) {
      violations.push(String(error));
      return refuse(400, String(error));
    }
    const { rejected, message } = options.partialSuccess ?? { rejected: 0, message: '' };
    const partial = Buffer.concat([
      ...(rejected > 0 ? [Buffer.of(1 << 3), varint(rejected)] : []),
      ...(message === '' ? [] : [lengthDelimited(2, Buffer.from(message))]),
    ]);
    return {
      status: 200,
      headers: PROTOBUF,
      body: partial.length > 0 ? lengthDelimited(1, partial) : Buffer.alloc(0),
    };
  });
  const { url, attempts, faults, close } = server;
  return { url, received, violations, totals, attempts, faults, close };
}

/** A field with its length, as protobuf writes it. */
function lengthDelimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2), varint(content.length), content]);
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.of(...bytes, rest);
}
