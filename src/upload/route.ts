import type { ProfilerOptions } from '../config/resolve';
import type { Configuration } from '../config/settings';
import type { ExporterName } from './upload';

/** Where the profiles of a process go. */
export interface Route {
  exporters: readonly ExporterName[];
  /** Nobody has said where: an Agent gets them where one answers, and as soon as one does. */
  isOpen: boolean;
  /** One sentence for each setting that another one leaves without an effect. */
  warnings: string[];
}

/** Where an Agent's socket is, as its packages and its operator make it. */
export const AGENT_SOCKET = '/var/run/datadog/apm.socket';
export const AGENT_PORT = 8126;

/** What names a receiver, where no exporter is named. A URL that is set for traces alone is not among them. */
const NAMED_BY: readonly [ExporterName, options: (keyof ProfilerOptions)[], variables: string[]][] = [
  [
    'datadog',
    ['url', 'agentless', 'apiKey'],
    [
      'DD_TRACE_AGENT_URL',
      'DD_TRACE_URL',
      'DD_AGENT_HOST',
      'DD_TRACE_AGENT_HOSTNAME',
      'DD_TRACE_AGENT_PORT',
      'DD_AGENT_PORT',
      'DD_PROFILING_AGENTLESS',
    ],
  ],
  ['pyroscope', ['pyroscopeUrl'], ['PYROSCOPE_SERVER_ADDRESS', 'PYROSCOPE_ADHOC_SERVER_ADDRESS']],
  ['otlp', ['otlpUrl'], ['OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT']],
];

/** Exporters that send over HTTP, from a thread of their own. */
const SENT: ReadonlySet<ExporterName> = new Set(['datadog', 'pyroscope', 'otlp']);

/** Settles where profiles go. `agentAnswers` is asked only where nobody has said. */
export function settleRoute(
  configuration: Configuration,
  options: ProfilerOptions,
  environment: NodeJS.ProcessEnv,
  agentAnswers: () => boolean,
): Route {
  const { exporters, output } = configuration;
  if (exporters) {
    const isContradictory = exporters.includes('file') !== (output !== undefined);
    const warnings = isContradictory ? [contradictionOf(exporters, output)] : [];
    return { exporters, isOpen: false, warnings };
  }
  if (output !== undefined) return { exporters: ['file'], isOpen: false, warnings: [] };
  const named = NAMED_BY.filter(
    ([, names, variables]) =>
      names.some((name) => options[name] !== undefined) || variables.some((name) => environment[name]),
  ).map(([exporter]) => exporter);
  if (named.length > 0) return { exporters: named, isOpen: false, warnings: [] };
  return { exporters: [agentAnswers() ? 'datadog' : 'local'], isOpen: true, warnings: [] };
}

/** Its text is not for every start to read. */
function contradictionOf(exporters: readonly ExporterName[], output: string | undefined): string {
  return (require('./contradiction') as typeof import('./contradiction')).contradiction(exporters, output);
}

/** Whether any of the exporters needs the delivery thread. */
export function isSent(exporters: readonly ExporterName[]): boolean {
  return exporters.some((exporter) => SENT.has(exporter));
}
