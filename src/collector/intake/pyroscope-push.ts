import type { IncomingMessage } from 'node:http';
import { type Answer, json } from '../http/answer';
import { readBody } from '../http/body';
import { malformed, Refusal } from '../http/refusal';
import type { Limits } from '../limits';
import type { Upload, UploadedProfile } from '../store';
import { clientOf, type Exchange, type Intake, refusedOf } from './intake';
import { type Series, seriesFromJson, seriesFromProtobuf } from './push-series';
import { checkedName, Tags } from './tags';

const PROTOBUF = 'application/proto';
const JSON_TYPE = 'application/json';
/** As Pyroscope calls what has no name. */
const UNNAMED = 'unknown_service';

/** By status: its name in the Connect protocol (https://connectrpc.com/docs/protocol/#error-codes). */
const CODES: Record<number, string> = {
  400: 'invalid_argument',
  403: 'permission_denied',
  405: 'unimplemented',
  413: 'resource_exhausted',
  415: 'unimplemented',
  500: 'internal',
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
    const series = type === JSON_TYPE ? seriesFromJson(body) : seriesFromProtobuf(body);
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
    .map(({ labels, profiles }, index) => {
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
        joined: index > 0,
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
