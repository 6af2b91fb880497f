import type { Answer, Verdict } from '../../upload';
import { isPassing, retry, statusWith } from '../answer';

/** The way a request was sent. */
export type Way = 'push' | 'ingest';

const CREDENTIALS =
  'Check PYROSCOPE_AUTH_TOKEN, or the user and password for basic authentication, and the tenant.';

/**
 * What an answer of Pyroscope, or of a gateway before it, means.
 *
 * A request has one profile, so one that failed half-way on the server can at worst be stored twice, with the same id; one
 * that is not sent again is lost. So all errors that may pass are tried again.
 */
export function judge(answer: Answer, way: Way): Verdict {
  const { status } = answer;
  const said = statusWith(answer, message(answer.body.toString()));
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (way === 'push' && (status === 404 || status === 501)) {
    return { kind: 'otherwise', reason: `Pyroscope has no push API: ${said}; using /ingest` };
  }
  if (status === 429) {
    return retry(answer, `Pyroscope is at its limit of bytes a second or of series: ${said}`);
  }
  if (isPassing(status)) return retry(answer, `Pyroscope cannot take it now: ${said}`);
  switch (status) {
    case 401:
      return {
        kind: 'refused',
        reason: `Pyroscope does not know who is sending: ${said}`,
        remedy: CREDENTIALS,
      };
    case 403:
      return {
        kind: 'refused',
        reason: `Pyroscope does not allow it: ${said}`,
        remedy: `The credentials are known but may not write profiles. ${CREDENTIALS}`,
      };
    case 404:
      return {
        kind: 'refused',
        reason: `there is no Pyroscope at this address: ${said}`,
        remedy:
          'Check PYROSCOPE_SERVER_ADDRESS: it is the address of the server, with the path before /ingest where a gateway needs one.',
      };
    case 413:
      return { kind: 'too-large', reason: `Pyroscope takes no request of this size: ${said}` };
    case 400:
    case 422:
      return invalid(said);
    default:
      if (status >= 300 && status < 400) return redirected(answer);
      return {
        kind: 'refused',
        reason: `Pyroscope answered ${said}`,
        remedy: 'Check that PYROSCOPE_SERVER_ADDRESS leads to Pyroscope.',
      };
  }
}

/** What Pyroscope's validation says: its texts are in `pkg/validation` and have been the same since version 1.0. */
function invalid(said: string): Verdict {
  if (/outside of ingestion window/.test(said)) {
    return {
      kind: 'refused',
      reason: `the profile is older than Pyroscope takes, or its clock differs from this one: ${said}`,
      remedy:
        'It takes profiles of the last hour, unless limits.reject_older_than says otherwise. Compare the clocks of both machines.',
    };
  }
  if (/max_profile_size_byte|max_profile_stacktrace_samples/.test(said)) {
    return { kind: 'too-large', reason: `a limit of Pyroscope is lower than usual: ${said}` };
  }
  if (/label names; limit|label (name|value) too long|invalid label/.test(said)) {
    return {
      kind: 'refused',
      reason: `Pyroscope does not take the labels: ${said}`,
      remedy: 'Give the service fewer or shorter tags, or raise max_label_names_per_series.',
    };
  }
  return {
    kind: 'refused',
    reason: `Pyroscope takes it for no valid profile: ${said}`,
    remedy: 'Please report this with the text above: it is a defect of Everflame.',
  };
}

function redirected(answer: Answer): Verdict {
  return {
    kind: 'refused',
    reason: `the address leads elsewhere: ${statusWith(answer, answer.headers.location ?? '')}`,
    remedy: 'Set PYROSCOPE_SERVER_ADDRESS to the address that it leads to; redirects are not followed.',
  };
}

/** Errors are JSON with a code and a message; those of gateways are anything. */
function message(body: string): string {
  try {
    const error = JSON.parse(body) as { message?: unknown } | null;
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // A gateway's, or cut.
  }
  return body;
}
