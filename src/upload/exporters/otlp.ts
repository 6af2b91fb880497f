import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { EverflameError } from '../../engine';
import { decodeProfile } from '../pprof/decode';
import type { Answer, Exporter, OutgoingRequest, Upload, Verdict } from '../upload';
import { parseAddress } from './address';
import { exportRequest } from './otlp/request';
import { judge } from './otlp/verdict';

const compress = promisify(gzip);

/** What is added to a base address. `/v1/profiles` will follow when the format is stable. */
export const OTLP_PATH = '/v1development/profiles';

/** Where a receiver is. */
export interface OtlpOptions {
  /** Used as it is. */
  profilesEndpoint?: string;
  /** Used with the path of profiles behind it, where there is no `profilesEndpoint`: such as `http://localhost:4318`. */
  endpoint?: string;
  /** Sent with each request, such as `authorization`. */
  headers?: Record<string, string>;
  /** Whose headers they are (`account.ts`). */
  account?: string | undefined;
  /** Send each value with its time, where the receiver understands that. Without, totals a stack, which all do. */
  timeline?: boolean;
}

/** Sends to receivers of OpenTelemetry's profiles, by HTTP with protobuf. */
export class OtlpExporter implements Exporter {
  readonly name = 'otlp';
  readonly destination: string;
  readonly account: string | undefined;
  private readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly timeline: boolean;

  /** Throws an EverflameError for an address or a header that cannot be one. */
  constructor({ profilesEndpoint, endpoint, headers, account, timeline }: OtlpOptions) {
    const { base, query, user, password } = profilesEndpoint
      ? parseAddress(profilesEndpoint, 'OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT')
      : withPath(parseAddress(endpoint ?? '', 'OTEL_EXPORTER_OTLP_ENDPOINT'));
    const credentials = Buffer.from(`${user}:${password}`).toString('base64');
    this.destination = base;
    this.url = `${base}${query}`;
    this.timeline = timeline ?? false;
    this.account = account;
    this.headers = {
      ...(user && { authorization: `Basic ${credentials}` }),
      ...checkedHeaders(headers ?? {}),
      // Some receivers compare the type letter by letter.
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    };
  }

  async requests(upload: Upload): Promise<OutgoingRequest[]> {
    const requests: OutgoingRequest[] = [];
    for (const { name, data } of upload.attachments) {
      if (!name.endsWith('.pprof')) continue;
      const part = name.slice(0, -'.pprof'.length);
      const profile = await decodeProfile(name, data);
      const made = exportRequest(upload, part, profile, { timeline: this.timeline });
      if (!made) continue;
      const headers = { 'user-agent': `everflame/${upload.identity.profilerVersion}`, ...this.headers };
      const { message, profiles } = made;
      requests.push({ part, url: this.url, headers, body: await compress(message), profiles });
    }
    return requests;
  }

  judge(answer: Answer, request?: OutgoingRequest): Verdict {
    return judge(answer, request?.profiles);
  }
}

function withPath(address: ReturnType<typeof parseAddress>): ReturnType<typeof parseAddress> {
  return { ...address, base: `${address.base}${OTLP_PATH}` };
}

/** Names in lower case, so that one set twice is one header. */
function checkedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      // RFC 9110, section 5: a name is a token, and a value has no line's end.
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
        throw new EverflameError(
          'BAD_HEADER',
          `OTEL_EXPORTER_OTLP_HEADERS has "${name}", whose name or value cannot be a header. Write it as name=value, with other characters as %20`,
        );
      }
      return [name.toLowerCase(), value];
    }),
  );
}
