import { createHash } from 'node:crypto';
import { accountOf } from '../account';
import { eventOf } from '../event';
import { multipart } from '../multipart';
import type { Answer, Exporter, OutgoingRequest, Upload, Verdict } from '../upload';
import { isPassing, retry, statusWith } from './answer';
import type { DatadogTarget } from './datadog-target';

/** Headers that tell the receiver of the container; empty ones are left out. */
export interface ContainerHeaders {
  'Datadog-Container-Id'?: string | undefined;
  'Datadog-Entity-ID'?: string | undefined;
  'Datadog-External-Env'?: string | undefined;
}

/** Sends to a Datadog Agent, or without one to Datadog itself. */
export class DatadogExporter implements Exporter {
  readonly name = 'datadog';

  constructor(
    private readonly target: DatadogTarget,
    private readonly container: ContainerHeaders,
  ) {}

  get account(): string | undefined {
    return accountOf(this.target.apiKey);
  }

  get destination(): string {
    return this.target.destination;
  }

  get unreachable(): string {
    return this.target.remedy;
  }

  async requests(upload: Upload): Promise<OutgoingRequest[]> {
    const address = this.target.address();
    const event = Buffer.from(JSON.stringify(eventOf(upload)));
    const parts = upload.attachments.map(({ name, data }) => ({
      name,
      filename: name,
      contentType: 'application/octet-stream',
      data,
    }));
    const form = multipart(
      [{ name: 'event', filename: 'event.json', contentType: 'application/json', data: event }, ...parts],
      boundaryFor(event),
    );
    const headers: Record<string, string> = {
      'Content-Type': form.contentType,
      'DD-EVP-ORIGIN': 'everflame',
      'DD-EVP-ORIGIN-VERSION': upload.identity.profilerVersion,
    };
    for (const [name, value] of Object.entries(this.container)) if (value) headers[name] = value;
    if (this.target.apiKey !== undefined) headers['DD-API-KEY'] = this.target.apiKey;
    return [{ part: 'event', ...address, headers, body: form.body }];
  }

  judge(answer: Answer): Verdict {
    const { status } = answer;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    const reason = statusWith(answer, answer.body.toString());
    if (status === 413) return { kind: 'too-large', reason };
    if (isPassing(status)) return retry(answer, reason);
    return { kind: 'refused', reason, remedy: this.remedy(status) };
  }

  private remedy(status: number): string {
    const isAgentless = this.target.apiKey !== undefined;
    if (status === 400 && isAgentless) return 'Check DD_API_KEY and DD_SITE.';
    if (status === 401 || status === 403) {
      return isAgentless
        ? 'Check that DD_API_KEY is a valid key of the site that DD_SITE names.'
        : 'Check the API key of the Agent, and what stands between this process and the Agent.';
    }
    if (status === 404) {
      return isAgentless
        ? 'Check DD_SITE.'
        : 'The Agent must be 7.20 or newer, and DD_TRACE_AGENT_URL must be its address without a path of its own.';
    }
    if (status >= 300 && status < 400) return 'Redirects are not followed: name the address itself.';
    return 'If this goes on, please report it with this line.';
  }
}

/** No 128 bits of a hash of the event occur in a profile by chance, and the same upload gives the same bytes again. */
function boundaryFor(event: Buffer): string {
  return createHash('sha256').update(event).digest('hex').slice(0, 32);
}
