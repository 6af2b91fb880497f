import type { IncomingMessage } from 'node:http';
import { packageVersion } from '../../package-root';
import { type Answer, json } from '../http/answer';
import { malformed, Refusal } from '../http/refusal';
import type { UploadedProfile } from '../store';
import { readEvent } from './event';
import { clientOf, type Exchange, type Intake, reasonsOf, refusedOf } from './intake';
import { isMultipart, nameOf, type Part, readParts } from './multipart';
import { isProvenance, readProvenance } from './provenance';
import { checkedName } from './tags';

/** Where a Datadog Agent takes profiles. */
export const AGENT_PATH = '/profiling/v1/input';

/**
 * Listed though what comes there is dropped: ddtrace 4 asks each Agent for it, and warns of one that is too old, also where it has
 * nothing to send there.
 */
const DEBUGGER_PATH = '/debugger/v2/input';

/** What `GET /info` of an Agent says: nothing of what else Agents take, so that clients do not send it. */
export function agentInfo(): unknown {
  const endpoints = [AGENT_PATH, DEBUGGER_PATH];
  return { version: packageVersion(), endpoints, client_drop_p0s: false, config: {} };
}

/** Takes profiles as a Datadog Agent does: from dd-trace, ddtrace and everything on libdatadog. */
export const agentIntake: Intake = {
  async take(
    request: IncomingMessage,
    { limits, share, keep, ignore, leaveOutRequests }: Exchange,
  ): Promise<Answer> {
    if (!isMultipart(request) || request.headers['content-encoding'] !== undefined) {
      throw new Refusal(
        415,
        'profiles are taken here as multipart/form-data without a Content-Encoding, as dd-trace sends them. Send them so.',
        'unsupported',
      );
    }
    const parts = await readParts(request, limits, share);
    const event = parts.find(({ name, filename }) => name === 'event' || filename === 'event.json');
    if (!event) throw malformed('the form has no part event.json. Send it with the profiles.');
    const { upload, fault } = readEvent(event.data, limits);
    const attachments = parts.filter((part) => part !== event);
    const profiles = attachments.filter(isProfile).map(
      (part): UploadedProfile => ({
        name: checkedName(nameOf(part), 'an attachment', limits),
        format: 'pprof',
        data: part.data,
      }),
    );
    const provenance = attachments.find(isProvenance);
    ignore(attachments.length - profiles.length - (provenance ? 1 : 0));
    if (profiles.length === 0) return json({});
    const packages = provenance ? readProvenance(provenance, limits) : [];
    const client = clientOf(request);
    const refused = refusedOf(await keep([{ ...upload, client, profiles, packages }]));
    if (fault) leaveOutRequests(upload.service, client, `endpoint_counts of event.json ${fault}`);
    return json(refused.length > 0 ? { refused: reasonsOf(refused) } : {});
  },
};

/** By its name: receivers know attachments by nothing else, and what else there is goes by names of its own. */
function isProfile(part: Part): boolean {
  return /\.pprof$/i.test(nameOf(part));
}
