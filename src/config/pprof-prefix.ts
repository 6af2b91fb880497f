import { badValueWarning } from './bad-value';
import { parseValue } from './parse';
import { type Configuration, settings } from './settings';

const VARIABLE = 'DD_PROFILING_PPROF_PREFIX';

/**
 * Settles the output by the prefix of the reference (dd-trace). There it belongs to the exporter of files, which has to be named: a
 * prefix alone keeps no profile from its Agent. An output that is set wins. Returns one sentence where it has no effect.
 */
export function applyPprofPrefix(configuration: Configuration, environment: NodeJS.ProcessEnv): string[] {
  if (configuration.output !== undefined) return [];
  if (!configuration.exporters?.includes('file')) {
    return [
      `${VARIABLE} has no effect, because "file" is not among the exporters. Set DD_PROFILING_EXPORTERS=file, or unset it.`,
    ];
  }
  const raw = environment[VARIABLE];
  const parsed = parseValue(settings.output, raw);
  if (!parsed.ok) return [badValueWarning(VARIABLE, settings.output, raw, undefined)];
  configuration.output = raw;
  return [];
}
