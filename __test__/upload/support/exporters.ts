import { DatadogExporter } from '#src/upload/exporters/datadog.js';
import { datadogTarget } from '#src/upload/exporters/datadog-target.js';
import { PyroscopeExporter } from '#src/upload/exporters/pyroscope.js';

/** Sends to an Agent at a URL. */
export function agentExporter({ url }: { url: string }): DatadogExporter {
  const { target } = datadogTarget({
    url,
    agentHost: undefined,
    agentPort: 8126,
    apiKey: undefined,
    site: 'datadoghq.com',
    agentless: false,
    isKeyInCode: false,
    namesPort: false,
  });
  return new DatadogExporter(target, { 'Datadog-Entity-ID': 'in-4026532841' });
}

export function pyroscopeExporter({ url }: { url: string }): PyroscopeExporter {
  return new PyroscopeExporter({ serverAddress: url });
}
