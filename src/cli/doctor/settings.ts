import { type DeliveryConfiguration, deliverySettings } from '../../config/delivery-settings';
import { originOf } from '../../config/origin';
import { publicAddress } from '../../config/plain-text';
import { resolveConfiguration } from '../../config/resolve';
import { resolveDelivery } from '../../config/resolve-delivery';
import { type Configuration, type Setting, settings } from '../../config/settings';
import { formatSetting } from '../../config/words';
import { finding, type Part } from './report';

/** One setting as a program started here would have it. */
export interface SettingFact {
  /** Its name as an option in code. */
  name: string;
  /** Its environment variables; the first one set wins. */
  variables: readonly string[];
  /** As people write it; of a secret, only whether it is set. Undefined where it is not set. */
  value?: string;
  /** The variable that it is from, or `default`. */
  origin: string;
}

export interface Settled {
  configuration: Configuration;
  delivery: DeliveryConfiguration;
}

/** Variables of the reference by which a setting may have its value where none of its own says anything. */
const BESIDE: Readonly<Record<string, string>> = {
  wall: 'DD_PROFILING_PROFILERS',
  cpu: 'DD_PROFILING_PROFILERS',
  output: 'DD_PROFILING_PPROF_PREFIX',
};

/** Every setting with its value and where that is from, and what is wrong with the values. */
export function checkSettings(environment: NodeJS.ProcessEnv): Part<SettingFact[]> & Settled {
  const { configuration, warnings } = resolveConfiguration(undefined, environment);
  const resolved = resolveDelivery({}, environment);
  const delivery = resolved.configuration;
  const facts = [
    ...factsOf(settings, configuration, environment),
    ...factsOf(deliverySettings, delivery, environment),
  ];
  const findings = [...warnings, ...resolved.warnings].map((text) => finding('warning', 'settings', text));
  return { facts, findings, configuration, delivery };
}

function factsOf(
  table: Readonly<Record<string, Setting>>,
  values: object,
  environment: NodeJS.ProcessEnv,
): SettingFact[] {
  return Object.entries(table).map(([name, setting]) => {
    const value = (values as Record<string, unknown>)[name];
    return {
      name,
      variables: setting.env,
      ...(value === undefined ? {} : { value: shownValue(setting, value) }),
      origin:
        originOf(setting, environment) ?? (value === setting.default ? undefined : BESIDE[name]) ?? 'default',
    };
  });
}

function shownValue(setting: Setting, value: unknown): string {
  if (setting.type !== 'text') return formatSetting(setting, value);
  if (setting.secret) return 'set, not shown';
  return setting.isUrl ? publicAddress(String(value)) : formatSetting(setting, value);
}
