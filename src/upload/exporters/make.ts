import type { DeliveryConfiguration } from '../../config/delivery-settings';
import { readContainer } from '../../provenance/container';
import type { Seed } from '../seed';
import type { Exporter } from '../upload';
import { DatadogExporter } from './datadog';
import { datadogTarget } from './datadog-target';

/** The exporters of a process that send, and what is wrong with their settings. */
export function makeExporters(
  seed: Seed,
  configuration: DeliveryConfiguration,
): { exporters: Exporter[]; warnings: string[] } {
  const warnings: string[] = [];
  const exporters = seed.exporters.flatMap((name): Exporter[] => {
    if (name !== 'datadog') return [];
    const { DD_TRACE_AGENT_PORT, DD_AGENT_PORT } = seed.environment;
    const settled = datadogTarget({
      ...configuration,
      agentless: configuration.agentless || isKeyInCode(seed),
      namesPort: Boolean(DD_TRACE_AGENT_PORT || DD_AGENT_PORT),
    });
    const container = readContainer(seed.environment);
    warnings.push(...settled.warnings, ...container.warnings);
    const { containerId, entityId, externalEnvironment } = container.value;
    return [
      new DatadogExporter(settled.target, {
        'Datadog-Container-Id': containerId,
        'Datadog-Entity-ID': entityId,
        'Datadog-External-Env': externalEnvironment,
      }),
    ];
  });
  return { exporters, warnings };
}

/** Whether profiles go to Datadog without an Agent. */
export function isAgentless(seed: Seed, { agentless, apiKey, url }: DeliveryConfiguration): boolean {
  return (agentless || isKeyInCode(seed)) && apiKey !== undefined && url === undefined;
}

/** Somebody who hands over a key in code, and no URL, means to send with it. */
function isKeyInCode({ options }: Seed): boolean {
  return options.apiKey !== undefined && options.url === undefined;
}
