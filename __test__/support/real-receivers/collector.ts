import type { ExecutionContext } from 'ava';
import { type OtlpProfile, profilesOf } from './otlp-json.js';
import { eventually, startListed } from './program.js';

/** The OpenTelemetry Collector's own receiver for profiles. */
export interface Collector {
  /** Without a path, as in `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  /** The profiles of the first `requests` requests that it took; waits for them. */
  received(requests: number): Promise<OtlpProfile[]>;
}

/** Started for one test, and ended with it. */
export async function startCollector(t: ExecutionContext): Promise<Collector> {
  const { url, lines, close } = await startListed('collector');
  t.teardown(close);
  return {
    url,
    async received(requests) {
      const taken = await eventually(`${requests} requests`, () => {
        const found = lines().slice(1);
        return found.length < requests ? undefined : found.slice(0, requests);
      });
      return taken.flatMap((line) => profilesOf(JSON.parse(line)));
    },
  };
}
