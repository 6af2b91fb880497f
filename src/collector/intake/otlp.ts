import type { IncomingMessage } from 'node:http';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { delimited, varint } from '../../upload/pprof/records';
import { type Answer, json } from '../http/answer';
import { readBody } from '../http/body';
import { malformed, Refusal } from '../http/refusal';
import { clientOf, type Exchange, type Intake, reasonsOf, refusedOf } from './intake';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** By status: the number of its code in `google.rpc.Code`. */
const CODES: Record<number, number> = { 400: 3, 403: 7, 405: 12, 413: 8, 415: 12, 500: 13, 503: 14 };
const UNKNOWN = 2;

/** Takes profiles over OTLP/HTTP (opentelemetry.proto.profiles.v1development): protobuf or JSON, with gzip or without. */
export const otlpIntake: Intake = {
  async take(request: IncomingMessage, { limits, share, keep }: Exchange): Promise<Answer> {
    const isJson = isJsonType(request);
    if (!isJson && typeOf(request) !== PROTOBUF) {
      throw new Refusal(
        415,
        `OTLP is ${PROTOBUF} or ${JSON_TYPE} here. Send it with the Content-Type of what it is.`,
        'unsupported',
      );
    }
    const data = await readBody(request, limits, share);
    if (data.length === 0) throw malformed('there is no profile in the request. Send one.');
    const [kept] = await keep([
      {
        service: '',
        tags: [],
        start: 0n,
        end: 0n,
        client: clientOf(request),
        profiles: [{ name: 'otlp', format: isJson ? 'otlp-json' : 'otlp', data }],
      },
    ]);
    const refused = refusedOf(kept ? [kept] : []);
    return isJson
      ? jsonAnswer(refused.length, reasonsOf(refused))
      : answer(refused.length, reasonsOf(refused));
  },

  /** A `google.rpc.Status`: `code` is 1, `message` 2. */
  refuse(request: IncomingMessage, { status, message, headers }: Refusal): Answer {
    const code = CODES[status] ?? UNKNOWN;
    if (isJsonType(request)) return json({ code, message }, status, headers);
    const body = new BinaryWriter().uint32(varint(1)).int32(code).uint32(delimited(2)).string(message);
    return { status, type: PROTOBUF, body: bufferOf(body), headers };
  },
};

function typeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function isJsonType(request: IncomingMessage): boolean {
  return typeOf(request) === JSON_TYPE;
}

/** `ExportProfilesServiceResponse.partial_success` is 1; in it `rejected_profiles` is 1 and `error_message` 2. */
function answer(rejected: number, message: string): Answer {
  const writer = new BinaryWriter();
  if (rejected > 0) {
    writer.uint32(delimited(1)).fork();
    writer.uint32(varint(1)).int64(rejected).uint32(delimited(2)).string(message).join();
  }
  return { type: PROTOBUF, body: bufferOf(writer) };
}

/** A number of 64 bits is a text in JSON. */
function jsonAnswer(rejected: number, errorMessage: string): Answer {
  return json(rejected > 0 ? { partialSuccess: { rejectedProfiles: String(rejected), errorMessage } } : {});
}

function bufferOf(writer: BinaryWriter): Buffer {
  const bytes = writer.finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
