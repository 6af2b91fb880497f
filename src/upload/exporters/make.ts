import type { DeliveryConfiguration } from '../../config/delivery-settings';
import { reasonOf } from '../../log';
import { readContainer } from '../../provenance/container';
import { accountOf } from '../account';
import { isKeyInCode, namesAgentPort } from '../named';
import type { Seed } from '../seed';
import type { Exporter, ExporterName } from '../upload';
import { DatadogExporter } from './datadog';
import { datadogTarget } from './datadog-target';

/** Where each is, where nobody has said. */
export const PYROSCOPE_HERE = 'http://localhost:4040';
export const OTLP_HERE = 'http://127.0.0.1:4318';

/** The exporters of a process that send, and what is wrong with their settings. */
export interface MadeExporters {
  exporters: Exporter[];
  warnings: string[];
}

/** Makes the exporters of a process. One whose settings cannot be used is left out. */
export function makeExporters(seed: Seed, configuration: DeliveryConfiguration): MadeExporters {
  const warnings: string[] = [];
  const exporters = seed.exporters.flatMap((name): Exporter[] => {
    try {
      const exporter = make(name, seed, configuration, warnings);
      return exporter ? [exporter] : [];
    } catch (error) {
      warnings.push(`nothing is sent by the exporter ${name}: ${reasonOf(error)}.`);
      return [];
    }
  });
  return { exporters, warnings };
}

/** Whether profiles go to Datadog without an Agent. */
export function isAgentless(seed: Seed, { agentless, apiKey, url }: DeliveryConfiguration): boolean {
  return (agentless || isKeyInCode(seed.options)) && apiKey !== undefined && url === undefined;
}

/** Files are no exporter of this kind: undefined. Throws where a setting cannot be used. */
function make(
  name: ExporterName,
  seed: Seed,
  configuration: DeliveryConfiguration,
  warnings: string[],
): Exporter | undefined {
  switch (name) {
    case 'datadog':
      return datadog(seed, configuration, warnings);
    case 'pyroscope':
      return pyroscope(configuration, warnings);
    case 'otlp':
      return otlp(seed, configuration, warnings);
    default:
      return undefined;
  }
}

/** Where Datadog is for a process. Throws an EverflameError where that cannot be. */
export function datadogTargetOf(
  seed: Seed,
  configuration: DeliveryConfiguration,
): ReturnType<typeof datadogTarget> {
  return datadogTarget({
    ...configuration,
    // One that cannot be used names nobody, and where nobody is named the log says who gets profiles.
    isKeyInCode: isKeyInCode(seed.options) && seed.isOpen !== true,
    namesPort: namesAgentPort(seed.environment),
  });
}

function datadog(seed: Seed, configuration: DeliveryConfiguration, warnings: string[]): Exporter {
  const settled = datadogTargetOf(seed, configuration);
  const container = readContainer(seed.environment);
  warnings.push(...settled.warnings, ...container.warnings);
  const { containerId, entityId, externalEnvironment } = container.value;
  return new DatadogExporter(settled.target, {
    'Datadog-Container-Id': containerId,
    'Datadog-Entity-ID': entityId,
    'Datadog-External-Env': externalEnvironment,
  });
}

function pyroscope(configuration: DeliveryConfiguration, warnings: string[]): Exporter {
  // Loaded where they are used: each has an encoder of its own.
  const { PyroscopeExporter } = require('./pyroscope') as typeof import('./pyroscope');
  const { doubtfulCredentials } =
    require('./pyroscope-credentials') as typeof import('./pyroscope-credentials');
  warnings.push(...doubtfulCredentials(configuration));
  const { pyroscopeUrl, pyroscopeToken, pyroscopeUser, pyroscopePassword, pyroscopeTenant } = configuration;
  return new PyroscopeExporter({
    serverAddress: pyroscopeUrl ?? PYROSCOPE_HERE,
    ...(pyroscopeToken === undefined ? {} : { authToken: pyroscopeToken }),
    ...(pyroscopeUser === undefined ? {} : { basicAuthUser: pyroscopeUser }),
    ...(pyroscopePassword === undefined ? {} : { basicAuthPassword: pyroscopePassword }),
    ...(pyroscopeTenant === undefined ? {} : { tenantId: pyroscopeTenant }),
  });
}

function otlp(seed: Seed, configuration: DeliveryConfiguration, warnings: string[]): Exporter {
  const { otlpUrl, otlpBaseUrl, otlpHeaders, otlpTimeline } = configuration;
  const { OtlpExporter } = require('./otlp') as typeof import('./otlp');
  const { parseHeaders } = require('./otlp-headers') as typeof import('./otlp-headers');
  const { headers, warnings: told } = parseHeaders(otlpHeaders ?? '');
  warnings.push(...told);
  if (otlpTimeline && seed.settings.timeline === false) {
    warnings.push(
      'EVERFLAME_OTLP_TIMELINE is on, and has no effect: DD_PROFILING_TIMELINE_ENABLED is off, so that samples have no time. Switch both on, or both off.',
    );
  }
  return new OtlpExporter({
    ...(otlpUrl === undefined ? {} : { profilesEndpoint: otlpUrl }),
    endpoint: otlpBaseUrl ?? OTLP_HERE,
    headers,
    account: accountOf(otlpHeaders),
    timeline: otlpTimeline,
  });
}
