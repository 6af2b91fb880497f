import { DatadogExporter } from '#src/upload/exporters/datadog.js';
import { PyroscopeExporter } from '#src/upload/exporters/pyroscope.js';

/** Sends to an Agent at a URL. */
export function agentExporter({ url }: { url: string }): DatadogExporter {
  const address = { url: `${url}/profiling/v1/input` };
  return new DatadogExporter(
    { destination: `the Datadog Agent at ${url}`, address: () => address },
    { 'Datadog-Entity-ID': 'in-4026532841' },
  );
}

export function pyroscopeExporter({ url }: { url: string }): PyroscopeExporter {
  return new PyroscopeExporter({ serverAddress: url });
}
