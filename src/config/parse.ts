import type { ListSetting, NumberSetting, Setting, TextSetting } from './settings';

/** Outcome of reading one value: the value itself, or what is used in place of one that is not allowed. */
export type Parsed = { ok: true; value: unknown } | { ok: false; use?: unknown };

const TRUE_WORDS = new Set(['true', '1', 'yes', 'on', 'auto']);
const FALSE_WORDS = new Set(['false', '0', 'no', 'off']);
const BYTE_FACTORS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
const NOT_ALLOWED: Parsed = { ok: false };

/** Reads a value that came as text (environment, command line) or as a JavaScript value (code). */
export function parseValue(setting: Setting, raw: unknown): Parsed {
  switch (setting.type) {
    case 'boolean':
      return parseBoolean(raw);
    case 'choice': {
      const word = typeof raw === 'string' ? raw.trim().toLowerCase() : undefined;
      return word !== undefined && setting.choices.includes(word) ? { ok: true, value: word } : NOT_ALLOWED;
    }
    case 'text':
      return typeof raw === 'string' && isText(raw) && hasForm(setting, raw.trim())
        ? { ok: true, value: setting.form ? raw.trim() : raw }
        : NOT_ALLOWED;
    case 'list':
      return parseList(setting, raw);
    default:
      return parseNumber(setting, raw);
  }
}

function hasForm({ form, isUrl, isHost }: TextSetting, text: string): boolean {
  if (form && !form.test(text)) return false;
  if (isHost) return URL.canParse(`http://${hostOfUrl(text)}`);
  // Such as a port that there cannot be. A socket's path is no host.
  return !isUrl || /^unix:/i.test(text) || URL.canParse(text);
}

/** A host as URLs have it: an address of IPv6 in brackets. */
export function hostOfUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** What stands in files and in the arguments of the system ends at a zero byte. */
function isText(raw: string): boolean {
  return raw.trim() !== '' && !raw.includes('\0');
}

function parseList(setting: ListSetting, raw: unknown): Parsed {
  const given = typeof raw === 'string' ? raw.split(',') : raw;
  if (!Array.isArray(given)) return NOT_ALLOWED;
  const words = given
    .map((word) => (typeof word === 'string' ? word.trim().toLowerCase() : '?'))
    .filter((word) => word !== '');
  const named = words.filter((word) => word !== 'none').map((word) => setting.aliases[word] ?? word);
  const value = [...new Set(named)];
  // "none" beside a name contradicts it, and so does nothing at all in a text.
  const isWhole = named.length === words.length ? words.length > 0 || Array.isArray(raw) : named.length === 0;
  return isWhole && value.every((word) => setting.choices.includes(word)) ? { ok: true, value } : NOT_ALLOWED;
}

function parseBoolean(raw: unknown): Parsed {
  if (typeof raw === 'boolean') return { ok: true, value: raw };
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (TRUE_WORDS.has(word)) return { ok: true, value: true };
  if (FALSE_WORDS.has(word)) return { ok: true, value: false };
  return NOT_ALLOWED;
}

function parseNumber(setting: NumberSetting, raw: unknown): Parsed {
  const value = toNumber(setting, raw);
  if (value === undefined || Number.isNaN(value)) return NOT_ALLOWED;
  if (setting.type !== 'number' && !Number.isInteger(value) && Number.isFinite(value)) return NOT_ALLOWED;
  if (value < setting.minimum || value > setting.maximum) {
    if (!setting.clamp) return NOT_ALLOWED;
    return { ok: false, use: value < setting.minimum ? setting.minimum : setting.maximum };
  }
  return { ok: true, value };
}

function toNumber(setting: NumberSetting, raw: unknown): number | undefined {
  if (typeof raw === 'number') return raw;
  if (typeof raw !== 'string') return undefined;
  const text = raw.trim();
  if (setting.type === 'bytes') {
    const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?$/i.exec(text);
    const factor = BYTE_FACTORS[match?.[2]?.toUpperCase() ?? ''];
    return match?.[1] === undefined || factor === undefined
      ? undefined
      : Math.round(Number(match[1]) * factor);
  }
  // Number('') is 0 and Number('0x10') is 16; neither is what somebody meant by a setting.
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
