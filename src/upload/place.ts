import { dirname } from 'node:path';

/** Who gets the profiles of which nobody has said where they go: an Agent, or the inbox at `prefix` for the reason. */
export type Place = { kind: 'agent' } | { kind: 'inbox'; prefix: string; reason: string };

/**
 * By which a process tells those that it starts who gets profiles, once the log says it: they say it again only where they send
 * theirs to somebody else.
 */
export const PLACE_VARIABLE = 'EVERFLAME_TOLD_PLACE';

/** One line for the log: who gets the profiles, and how that is changed. */
export function placeLine(place: Place): string {
  return place.kind === 'agent'
    ? 'profiles go to the Datadog Agent of this machine. To keep them here, set EVERFLAME_EXPORTERS=local.'
    : `profiles are kept in ${dirname(place.prefix)}: ${place.reason}. To change that, set DD_TRACE_AGENT_URL, PYROSCOPE_SERVER_ADDRESS, OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT or DD_PROFILING_OUTPUT_PPROF.`;
}
