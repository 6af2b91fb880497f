import { type DeliveryConfiguration, deliverySettings } from '../config/delivery-settings';
import { originOf } from '../config/origin';
import { type ProfilerOptions, resolveTable } from '../config/resolve';
import type { ExporterName } from './upload';

/** The receivers that settings name. */
export interface NamedReceivers {
  exporters: ExporterName[];
  /** One sentence for each value that could not be used. */
  warnings: string[];
}

type Naming = Pick<
  DeliveryConfiguration,
  'url' | 'agentHost' | 'agentPort' | 'agentless' | 'pyroscopeUrl' | 'otlpUrl'
> &
  Partial<Pick<DeliveryConfiguration, 'apiKey'>>;

/** Finds them by what can be used of the settings: what cannot, and what is switched off, names nobody. */
export function namedReceivers(options: ProfilerOptions, environment: NodeJS.ProcessEnv): NamedReceivers {
  const { url, agentHost, agentPort, agentless, apiKey, pyroscopeUrl, otlpUrl } = deliverySettings;
  const table = { url, agentHost, agentPort, agentless, pyroscopeUrl, otlpUrl };
  const warnings: string[] = [];
  const settled = resolveTable<Naming>(
    isKeyInCode(options) ? { ...table, apiKey } : table,
    { ...options },
    environment,
    warnings,
  );
  const isDatadog =
    settled.url !== undefined ||
    settled.agentHost !== undefined ||
    namesAgentPort(environment) ||
    settled.agentless ||
    settled.apiKey !== undefined;
  const exporters: ExporterName[] = [];
  if (isDatadog) exporters.push('datadog');
  if (settled.pyroscopeUrl !== undefined) exporters.push('pyroscope');
  if (settled.otlpUrl !== undefined) exporters.push('otlp');
  return { exporters, warnings };
}

/** Somebody who hands over a key in code, and no URL, means to send with it. A key of the environment is for others too. */
export function isKeyInCode({ apiKey, url }: ProfilerOptions): boolean {
  return apiKey !== undefined && url === undefined;
}

/** Whether the port of the Agent is set: to the usual one it is set too. */
export function namesAgentPort(environment: NodeJS.ProcessEnv): boolean {
  return originOf(deliverySettings.agentPort, environment) !== undefined;
}
