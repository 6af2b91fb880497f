import type { ProfilerOptions } from '../config/resolve';
import type { Configuration } from '../config/settings';
import type { NamedReceivers } from './named';
import type { ExporterName } from './upload';

/** Where the profiles of a process go. */
export interface Route {
  exporters: readonly ExporterName[];
  /** Nobody has said where: an Agent gets them where one answers, and as soon as one does. */
  isOpen: boolean;
  /** One sentence for each setting that another one leaves without an effect, or that names nobody as it cannot be used. */
  warnings: string[];
}

/** Where an Agent's socket is, as its packages and its operator make it. */
export const AGENT_SOCKET = '/var/run/datadog/apm.socket';
export const AGENT_PORT = 8126;

/** A value that can certainly be used, so that a start need not load the table of settings. */
type Plain = (value: unknown) => boolean;
const isPlainUrl: Plain = (value) =>
  typeof value === 'string' &&
  /^https?:\/\/[\w.-]+(:\d{1,4})?(\/[\w./-]*)?$/.test(value) &&
  URL.canParse(value);
const isPlainHost: Plain = (value) => /^[\w.-]+$/.test(String(value)) && URL.canParse(`http://${value}`);

/**
 * What may name a receiver, where no exporter is named: a plain value does, of others `named.ts` says whether they do. A URL that is
 * set for traces alone is not among them.
 */
const NAMED_BY: readonly [ExporterName, Plain, options: (keyof ProfilerOptions)[], variables: string[]][] = [
  ['datadog', isPlainUrl, ['url'], ['DD_TRACE_AGENT_URL', 'DD_TRACE_URL']],
  ['datadog', isPlainHost, [], ['DD_AGENT_HOST', 'DD_TRACE_AGENT_HOSTNAME']],
  [
    'datadog',
    () => false,
    ['agentless', 'apiKey'],
    ['DD_TRACE_AGENT_PORT', 'DD_AGENT_PORT', 'DD_PROFILING_AGENTLESS'],
  ],
  ['pyroscope', isPlainUrl, ['pyroscopeUrl'], ['PYROSCOPE_SERVER_ADDRESS', 'PYROSCOPE_ADHOC_SERVER_ADDRESS']],
  ['otlp', isPlainUrl, ['otlpUrl'], ['OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT']],
];

/** Settles where profiles go. `agentAnswers` is asked only where nobody has said. */
export function settleRoute(
  configuration: Configuration,
  options: ProfilerOptions,
  environment: NodeJS.ProcessEnv,
  agentAnswers: () => boolean,
): Route {
  const { exporters, output } = configuration;
  if (exporters) {
    if (exporters.includes('file') === (output !== undefined))
      return { exporters, isOpen: false, warnings: [] };
    // Its text is not for every start to read.
    const { contradiction } = require('./contradiction') as typeof import('./contradiction');
    return { exporters, isOpen: false, warnings: [contradiction(exporters, output)] };
  }
  if (output !== undefined) return { exporters: ['file'], isOpen: false, warnings: [] };
  const named = namedReceivers(options, environment);
  if (named.exporters.length > 0) return { exporters: named.exporters, isOpen: false, warnings: [] };
  if (agentAnswers()) return { exporters: ['datadog'], isOpen: true, warnings: [] };
  // Where something is sent, the delivery thread says what is wrong with its settings.
  return { exporters: ['local'], isOpen: true, warnings: named.warnings };
}

function namedReceivers(options: ProfilerOptions, environment: NodeJS.ProcessEnv): NamedReceivers {
  const exporters = new Set<ExporterName>();
  for (const [exporter, isPlain, names, variables] of NAMED_BY) {
    const values = [
      ...names.map((name) => options[name]),
      ...variables.map((name) => environment[name] || undefined),
    ];
    for (const value of values) {
      if (value === undefined) continue;
      if (!isPlain(value))
        return (require('./named') as typeof import('./named')).namedReceivers(options, environment);
      exporters.add(exporter);
    }
  }
  return { exporters: [...exporters], warnings: [] };
}

/** Whether any of the exporters needs the delivery thread: those that send over HTTP do. */
export function isSent(exporters: readonly ExporterName[]): boolean {
  return exporters.some((exporter) => exporter !== 'file' && exporter !== 'local');
}
