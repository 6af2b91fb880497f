import type { UserLogger } from '../log';
import type { DeliveryConfiguration } from './delivery-settings';
import { parseValue } from './parse';
import { type Configuration, type Setting, type SettingName, settings } from './settings';

type OnlyInEnvironment =
  | 'profilingTags'
  | 'agentHost'
  | 'agentPort'
  | 'gitRepositoryUrl'
  | 'gitCommitSha'
  | 'gitPropertiesFile'
  | 'gitFolder'
  | 'mainPackage'
  | 'processTags'
  | 'externalEnv'
  | 'functionName'
  | 'otlpBaseUrl';

/** Options of `new Profiler(options)`; each one left out comes from the environment, then from its default. */
export interface ProfilerOptions
  extends Partial<Omit<Configuration, 'enabled'>>,
    Partial<Omit<DeliveryConfiguration, OnlyInEnvironment | 'tags'>> {
  /** As `key:value,key:value`, or an object. */
  tags?: string | Record<string, string | number | boolean> | undefined;
  /** Gets Everflame's own lines, instead of standard error. */
  logger?: UserLogger | undefined;
}

export interface Resolved<Values = Configuration> {
  configuration: Values;
  /** One sentence for each value that could not be used. */
  warnings: string[];
}

/**
 * Settles every setting of `settings.ts`: an option in code wins over the environment, the environment over the default.
 * A value that cannot be used is reported in `warnings` and passed over; nothing throws. `options` are those that can be read.
 */
export function resolveConfiguration(
  options: unknown,
  environment: NodeJS.ProcessEnv,
): Resolved & { options: ProfilerOptions } {
  const warnings: string[] = [];
  const given = readOptions(options, warnings);
  const configuration = resolveTable<Configuration>(settings, { ...given }, environment, warnings);
  if (environment.DD_PROFILING_PROFILERS) {
    // Only here: few set it.
    const { applyProfilers } = require('./profilers') as typeof import('./profilers');
    warnings.push(...applyProfilers(configuration, given, environment));
  }
  if (environment.DD_PROFILING_PPROF_PREFIX) {
    const { applyPprofPrefix } = require('./pprof-prefix') as typeof import('./pprof-prefix');
    warnings.push(...applyPprofPrefix(configuration, environment));
  }
  return { configuration, options: given, warnings };
}

/** Settles the settings of one table. */
export function resolveTable<Values>(
  table: Readonly<Record<string, Setting>>,
  given: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
  warnings: string[],
): Values {
  const resolved: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const inherited = (): unknown => fromEnvironment(setting, environment, warnings) ?? setting.default;
    resolved[name] = fromOption(name, setting, given, warnings, inherited);
  }
  return resolved as Values;
}

/** Reads one setting from the environment alone; what is wrong with it is told by `resolveConfiguration`. */
export function readSetting<Name extends SettingName>(
  name: Name,
  environment: NodeJS.ProcessEnv,
): Configuration[Name] {
  const setting: Setting = settings[name];
  const value = fromEnvironment(setting, environment, []) ?? setting.default;
  return value as Configuration[Name];
}

function readOptions(options: unknown, warnings: string[]): ProfilerOptions {
  if (options === undefined || options === null) return {};
  // Only here: the preload has no options, and its time is the program's.
  const { plainOptions } = require('./plain-options') as typeof import('./plain-options');
  return plainOptions(options, warnings);
}

function fromOption(
  name: string,
  setting: Setting,
  given: Record<string, unknown>,
  warnings: string[],
  otherwise: () => unknown,
): unknown {
  const raw = setting.option ? given[name] : undefined;
  if (raw === undefined) return otherwise();
  return parseOrWarn(`The option "${name}"`, setting, raw, warnings, otherwise);
}

function fromEnvironment(setting: Setting, environment: NodeJS.ProcessEnv, warnings: string[]): unknown {
  // An empty variable is how shells and container files unset one.
  const [variable, ...others] = setting.env.filter((name) => environment[name]);
  if (variable === undefined) return undefined;
  if (others.length > 0) {
    // Only here: few set two.
    const { severalNames } = require('./several-names') as typeof import('./several-names');
    warnings.push(...severalNames(setting, [variable, ...others], environment));
  }
  const otherwise = (): unknown =>
    fromEnvironment({ ...setting, env: others }, environment, warnings) ?? setting.default;
  return parseOrWarn(variable, setting, environment[variable], warnings, otherwise);
}

/** The value, or what is used in its place: the nearest that is allowed, or else what would be there without it. */
function parseOrWarn(
  source: string,
  setting: Setting,
  raw: unknown,
  warnings: string[],
  otherwise: () => unknown,
): unknown {
  const parsed = parseValue(setting, raw);
  if (parsed.ok) return parsed.value;
  const used = parsed.use ?? otherwise();
  warnings.push(texts().badValueWarning(source, setting, raw, used));
  return used;
}

/** Loaded only where something is wrong. */
function texts(): typeof import('./bad-value') {
  return require('./bad-value') as typeof import('./bad-value');
}
