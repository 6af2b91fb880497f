import type { ListSetting, NumberSetting, Setting, TextSetting } from './settings';

/** Outcome of reading one value: the value itself, or the words for what would have been right. */
export type Parsed = { ok: true; value: unknown } | { ok: false; allowed: string; use?: unknown };

const TRUE_WORDS = new Set(['true', '1', 'yes', 'on', 'auto']);
const FALSE_WORDS = new Set(['false', '0', 'no', 'off']);
const BYTE_FACTORS = new Map([
  ['', 1],
  ['K', 1024],
  ['M', 1024 ** 2],
  ['G', 1024 ** 3],
]);

/** Reads a value that came as text (environment, command line) or as a JavaScript value (code). */
export function parseValue(setting: Setting, raw: unknown): Parsed {
  switch (setting.type) {
    case 'boolean':
      return parseBoolean(raw);
    case 'choice': {
      const word = typeof raw === 'string' ? raw.trim().toLowerCase() : undefined;
      return word !== undefined && setting.choices.includes(word)
        ? { ok: true, value: word }
        : { ok: false, allowed: allowedValues(setting) };
    }
    case 'text':
      return typeof raw === 'string' && isText(raw) && hasForm(setting, raw.trim())
        ? { ok: true, value: setting.form ? raw.trim() : raw }
        : { ok: false, allowed: allowedValues(setting) };
    case 'list':
      return parseList(setting, raw);
    default:
      return parseNumber(setting, raw);
  }
}

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
  for (const [suffix, factor] of [...BYTE_FACTORS].reverse()) {
    if (bytes % factor === 0 && bytes >= factor) return `${bytes / factor}${suffix}`;
  }
  return String(bytes);
}

function hasForm({ form, isUrl }: TextSetting, text: string): boolean {
  if (form && !form.test(text)) return false;
  // Such as a port that there cannot be. A socket's path is no host.
  return !isUrl || /^unix:/i.test(text) || URL.canParse(text);
}

/** What stands in files and in the arguments of the system ends at a zero byte. */
function isText(raw: string): boolean {
  return raw.trim() !== '' && !raw.includes('\0');
}

function parseList(setting: ListSetting, raw: unknown): Parsed {
  const given = typeof raw === 'string' ? raw.split(',') : raw;
  if (!Array.isArray(given)) return { ok: false, allowed: allowedValues(setting) };
  const words = given.map((word) => String(word).trim().toLowerCase()).filter((word) => word !== '');
  const named = words.filter((word) => word !== 'none').map((word) => setting.aliases[word] ?? word);
  const value = [...new Set(named)];
  // "none" beside a name contradicts it, and so does nothing at all in a text.
  const isWhole = named.length === words.length ? words.length > 0 || Array.isArray(raw) : named.length === 0;
  return isWhole && value.every((word) => setting.choices.includes(word))
    ? { ok: true, value }
    : { ok: false, allowed: allowedValues(setting) };
}

function parseBoolean(raw: unknown): Parsed {
  if (typeof raw === 'boolean') return { ok: true, value: raw };
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (TRUE_WORDS.has(word)) return { ok: true, value: true };
  if (FALSE_WORDS.has(word)) return { ok: true, value: false };
  return { ok: false, allowed: 'true or false' };
}

function parseNumber(setting: NumberSetting, raw: unknown): Parsed {
  const allowed = allowedValues(setting);
  const value = toNumber(setting, raw);
  if (value === undefined || Number.isNaN(value)) return { ok: false, allowed };
  if (setting.type !== 'number' && !Number.isInteger(value) && Number.isFinite(value)) {
    return { ok: false, allowed };
  }
  if (value < setting.minimum || value > setting.maximum) {
    if (!setting.clamp) return { ok: false, allowed };
    return { ok: false, allowed, use: value < setting.minimum ? setting.minimum : setting.maximum };
  }
  return { ok: true, value };
}

function toNumber(setting: NumberSetting, raw: unknown): number | undefined {
  if (typeof raw === 'number') return raw;
  if (typeof raw !== 'string') return undefined;
  const text = raw.trim();
  if (setting.type === 'bytes') {
    const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?$/i.exec(text);
    const factor = BYTE_FACTORS.get(match?.[2]?.toUpperCase() ?? '');
    return match?.[1] === undefined || factor === undefined
      ? undefined
      : Math.round(Number(match[1]) * factor);
  }
  // Number('') is 0 and Number('0x10') is 16; neither is what somebody meant by a setting.
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
