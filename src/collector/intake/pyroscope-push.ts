import type { IncomingMessage } from 'node:http';
import { Records } from '../../upload/pprof/records';
import { type Answer, json } from '../http/answer';
import { readBody } from '../http/body';
import { malformed, Refusal } from '../http/refusal';
import type { Limits } from '../limits';
import type { Upload, UploadedProfile } from '../store';
import { clientOf, type Exchange, type Intake, refusedOf } from './intake';
import { checkedName, Tags } from './tags';

/** A series of `push.v1.PushRequest`: labels, and profiles that have them. */
interface Series {
  labels: [name: string, value: string][];
  profiles: Buffer[];
}

const PROTOBUF = 'application/proto';
const JSON_TYPE = 'application/json';
/** As Pyroscope calls what has no name. */
const UNNAMED = 'unknown_service';

/** By status: its name in the Connect protocol (https://connectrpc.com/docs/protocol/#error-codes). */
const CODES: Record<number, string> = {
  400: 'invalid_argument',
  413: 'resource_exhausted',
  415: 'unimplemented',
  503: 'unavailable',
};

/** Takes profiles as Pyroscope's push does, over the Connect protocol: protobuf or JSON, with gzip or without. */
export const pushIntake: Intake = {
  async take(request: IncomingMessage, { limits, share, keep }: Exchange): Promise<Answer> {
    const type = typeOf(request);
    if (type !== PROTOBUF && type !== JSON_TYPE) {
      throw new Refusal(
        415,
        `a push is ${PROTOBUF} or ${JSON_TYPE} here, and not gRPC. Send it by the Connect protocol.`,
        'unsupported',
      );
    }
    const body = await readBody(request, limits, share);
    const series = type === JSON_TYPE ? fromJson(body) : fromProtobuf(body);
    const uploads = uploadsOf(series, clientOf(request), limits);
    if (uploads.length === 0) throw malformed('there is no profile in the push. Send one.');
    refusedOf(await keep(uploads));
    return type === JSON_TYPE ? json({}) : { type: PROTOBUF, body: '' };
  },

  refuse(_request: IncomingMessage, { status, message, headers }: Refusal): Answer {
    return json({ code: CODES[status] ?? 'unknown', message }, status, headers);
  },
};

function typeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Each series by itself: its labels are its own. */
function uploadsOf(series: Series[], client: string, limits: Limits): Upload[] {
  const count = series.reduce((sum, { profiles }) => sum + profiles.length, 0);
  if (count > limits.attachments)
    throw malformed(`the push has more than ${limits.attachments} profiles. Send the others in another one.`);
  return series
    .filter(({ profiles }) => profiles.length > 0)
    .map(({ labels, profiles }) => {
      const tags = new Tags(limits);
      for (const [name, value] of labels) tags.add(name, value);
      const kind = tags.take('__name__') ?? 'profile';
      const service = checkedName(tags.take('service_name') ?? UNNAMED, 'the service', limits);
      return {
        service,
        // Those with two underscores are of Pyroscope's own use.
        tags: tags.all().filter(([key]) => !key.startsWith('__')),
        start: 0n,
        end: 0n,
        client,
        profiles: profiles.map(
          (data): UploadedProfile => ({
            name: `${checkedName(kind, 'a profile', limits)}.pprof`,
            format: 'pprof',
            data,
          }),
        ),
      };
    });
}

/** `PushRequest.series` is 1; of a series `labels` is 1 and `samples` 2; of a sample `raw_profile` is 1. */
function fromProtobuf(body: Buffer): Series[] {
  try {
    return messages(body, 1).map((series) => ({
      labels: messages(series, 1).map((label) => [texts(label, 1), texts(label, 2)]),
      profiles: messages(series, 2).flatMap((sample) => messages(sample, 1)),
    }));
  } catch {
    throw malformed('the body is no push.v1.PushRequest, or is cut short. Send it whole.');
  }
}

/** Views into the bytes given. */
function messages(data: Buffer, field: number): Buffer[] {
  const records = new Records(data);
  return records.each(field, () => {
    const bytes = records.reader.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });
}

function texts(data: Buffer, field: number): string {
  const records = new Records(data);
  return records.each(field, () => records.reader.string()).at(-1) ?? '';
}

function fromJson(body: Buffer): Series[] {
  let given: unknown;
  try {
    given = JSON.parse(body.toString());
  } catch {
    throw malformed('the body is no JSON, or is cut short. Send it whole.');
  }
  return list(given, 'series').map((series) => ({
    labels: list(series, 'labels').map((label) => {
      const { name, value } = Object(label) as Record<string, unknown>;
      return [String(name ?? ''), String(value ?? '')];
    }),
    profiles: list(series, 'samples').map((sample) => {
      const { rawProfile, raw_profile: plain } = Object(sample) as Record<string, unknown>;
      const data = rawProfile ?? plain;
      if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64');
      throw malformed('a sample of the push has no rawProfile. Send it as base64.');
    }),
  }));
}

function list(value: unknown, key: string): unknown[] {
  const found = (Object(value) as Record<string, unknown>)[key];
  if (found === undefined || found === null) return [];
  if (Array.isArray(found)) return found;
  throw malformed(`${key} of the push is no list. Send it as push.v1.PushRequest has it.`);
}
