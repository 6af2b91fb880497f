/** Settings and their values in words, for warnings, help and documentation. */
import type { Setting } from './settings';

const LARGEST_FIRST = [
  ['G', 1024 ** 3],
  ['M', 1024 ** 2],
  ['K', 1024],
] as const;

/** What a setting takes, in words for a warning and for the documentation. */
export function allowedValues(setting: Setting): string {
  switch (setting.type) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${setting.choices.join(', ')}`;
    case 'text':
      return setting.what ?? 'a path';
    case 'list':
      return `some of ${setting.choices.join(', ')}, separated by commas, or none`;
    case 'integer':
      return `a whole number${setting.unit && ` of ${setting.unit}`} from ${setting.minimum} to ${setting.maximum}`;
    case 'bytes':
      return `a number of bytes from ${formatBytes(setting.minimum)} to ${formatBytes(setting.maximum)}, such as 64M`;
    case 'number':
      return `a number of ${setting.unit} from ${setting.minimum} to ${setting.maximum}`;
  }
}

/** A value of a setting as people write it. */
export function formatSetting(setting: Setting, value: unknown): string {
  if (setting.type === 'text' && setting.secret) return 'another one';
  if (Array.isArray(value)) return value.join(',') || 'none';
  return setting.type === 'bytes' && typeof value === 'number' ? formatBytes(value) : String(value);
}

/** Writes a number of bytes with the largest unit that leaves it whole. */
export function formatBytes(bytes: number): string {
  for (const [suffix, factor] of LARGEST_FIRST) {
    if (bytes % factor === 0 && bytes >= factor) return `${bytes / factor}${suffix}`;
  }
  return String(bytes);
}
