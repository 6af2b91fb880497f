import { publicAddress, shown } from './plain-text';
import type { Setting } from './settings';
import { allowedValues, formatSetting } from './words';

/** The sentence for a value that could not be used. `source` says where it was found. */
export function badValueWarning(
  source: string,
  setting: Setting,
  raw: unknown,
  used: unknown,
  allowed = allowedValues(setting),
): string {
  const instead = used === undefined ? 'it is left unset' : `${formatSetting(setting, used)} is used instead`;
  return `${source} is ${shownValue(setting, raw)}, but it must be ${allowed}; ${instead}.`;
}

/** The sentence for options that are none. */
export function badOptionsWarning(options: unknown): string {
  return `The options of a Profiler must be an object, not ${describe(options)}; they are ignored.`;
}

function shownValue(setting: Setting, raw: unknown): string {
  if (setting.type === 'text' && setting.secret) return 'a value that is not shown here';
  if (typeof raw !== 'string') return describe(raw);
  // An address may have got into the wrong variable.
  const isAddress = (setting.type === 'text' && setting.isUrl) || /@|:\/\//.test(raw);
  return shown(isAddress ? publicAddress(raw) : raw);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'number' || typeof value === 'boolean' || value === null
    ? String(value)
    : typeof value;
}
