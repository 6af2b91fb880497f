import { Records } from '../../pprof/records';
import type { Answer, Verdict } from '../../upload';
import { inOneLine, isPassing, retry, statusWith } from '../answer';

const PROTOBUF = 'application/x-protobuf';
const WHERE =
  'Check OTEL_EXPORTER_OTLP_ENDPOINT, to which /v1development/profiles is added, or OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT, which is used as it is.';

/**
 * What an answer means: OTLP 1.10, "OTLP/HTTP Response". Of the statuses that may pass it lists 429, 502, 503 and 504 alone; gateways
 * before a receiver use others too, and a profile that is not sent again is lost. `sent` is how many profiles were in the request.
 */
export function judge(answer: Answer, sent?: number): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return partialSuccess(answer, sent);
  const said = statusWith(answer, errorMessage(answer));
  const refused = (reason: string, remedy: string): Verdict => ({
    kind: 'refused',
    reason: `${reason}: ${said}`,
    remedy,
  });
  if (isPassing(status)) return retry(answer, `the receiver cannot take it now: ${said}`);
  switch (status) {
    case 413:
      return { kind: 'too-large', reason: `the receiver takes no request of this size: ${said}` };
    case 401:
    case 403:
      return refused(
        'the receiver wants credentials, or other ones',
        'Set them with OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20<token>.',
      );
    case 404:
    case 405:
      return refused(
        'the receiver takes no profiles at this address',
        `An OpenTelemetry Collector needs --feature-gates=+service.profilesSupport and a pipeline of profiles. ${WHERE}`,
      );
    case 415:
      return refused(
        'the receiver takes no protobuf',
        `Profiles are sent as application/x-protobuf only: use a receiver, or a port of it, that takes OTLP over HTTP. ${WHERE}`,
      );
    case 400:
    case 422:
      return refused(
        'the receiver takes it for no valid profile',
        'The format is in development: compare the versions that the receiver and docs/delivery.md name.',
      );
    default:
      return refused('the receiver answered otherwise than OTLP says', WHERE);
  }
}

/** `ExportProfilesServiceResponse`: field 1 is `partial_success` with the number of profiles and a message. */
function partialSuccess({ headers, body }: Answer, sent: number | undefined): Verdict {
  if (body.length === 0) return { kind: 'delivered' };
  const type = headers['content-type'];
  // Where nobody says what it is: no message begins with the sign of an object.
  const isText = type === undefined ? body.toString().trimStart().startsWith('{') : isJson(type);
  const partial = isText ? fromJson(body.toString()) : fromProtobuf(body, type);
  if (partial === 'unreadable') {
    const text = inOneLine(body.toString());
    return { kind: 'delivered', notice: `something that cannot be read: ${text}` };
  }
  const [rejected, message] = partial;
  if (rejected === 0)
    return message === '' ? { kind: 'delivered' } : { kind: 'delivered', notice: inOneLine(message) };
  const said = message === '' ? '' : `: ${inOneLine(message)}`;
  if (rejected === undefined) return { kind: 'delivered', notice: `some profiles not taken${said}` };
  if (sent === undefined) return { kind: 'delivered', notice: `${rejected} profiles not taken${said}` };
  // What it does not take must not be sent again.
  return {
    kind: 'refused',
    reason: `${rejected} of ${sent} profiles not taken${said}`,
    remedy: 'What the receiver says, or its log, tells why.',
    isPart: rejected < sent,
  };
}

type Partial = [rejected: number | undefined, message: string] | 'unreadable';

function fromProtobuf(body: Buffer, type: string | undefined): Partial {
  try {
    const response = new Records(body);
    const [found] = response.each(1, () => new Records(response.reader.bytes()));
    const [message = ''] = found?.each(2, () => found.reader.string()) ?? [];
    return [Number(found?.number(1) ?? 0), message];
  } catch {
    // Cut short, or none. What is a message in it can still be read.
    if (type !== undefined && type !== PROTOBUF) return 'unreadable';
    return [undefined, body.toString().replaceAll('\ufffd', ' ')];
  }
}

function fromJson(body: string): Partial {
  try {
    const { partialSuccess: found } = JSON.parse(body) as { partialSuccess?: Record<string, unknown> | null };
    const { rejectedProfiles = 0, errorMessage = '' } = found ?? {};
    // A number of 64 bits is a text in JSON.
    const rejected = typeof rejectedProfiles === 'object' ? Number.NaN : Number(rejectedProfiles);
    if (!Number.isSafeInteger(rejected) || rejected < 0) return 'unreadable';
    return [rejected, typeof errorMessage === 'string' ? errorMessage : ''];
  } catch {
    return 'unreadable';
  }
}

/** An error is a `google.rpc.Status`, whose field 2 is the message; one of a gateway is anything. */
function errorMessage({ headers, body }: Answer): string {
  try {
    if (isJson(headers['content-type'])) {
      const status = JSON.parse(body.toString()) as { message?: unknown } | null;
      if (typeof status?.message === 'string') return status.message;
    } else if (headers['content-type'] === PROTOBUF) {
      const status = new Records(body);
      const [message] = status.each(2, () => status.reader.string());
      if (message !== undefined) return message;
    }
  } catch {
    // It is shown as it is.
  }
  return body.toString();
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/json') ?? false;
}
