import { IMPORT_LIMITS } from './limits';
import { NotImportable, shown } from './not-importable';

/** An object of JSON, of which nothing is known yet. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number as a program writes it. JSON has no NaN, but `1e999` is read as infinite. */
export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Reads JSON whose values are within the limits. Throws NotImportable where it cannot be read. */
export function readJson(data: Buffer): JsonObject {
  checkSize(data);
  const text = data.toString('utf8').replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (error) {
    throw new NotImportable(`read as JSON, ${stoppedAt(text, (error as Error).message)}`);
  }
  if (!isObject(value)) throw new NotImportable('read as JSON, it is no object but a list');
  return value;
}

/** V8 ends the process that has no memory left in the middle of a parse, so what would take it is not begun. */
function checkSize(data: Buffer): void {
  let [containers, values] = [0, 0];
  for (const byte of data) {
    if (byte === 0x7b || byte === 0x5b) containers += 1;
    else if (byte === 0x2c) values += 1;
  }
  if (containers > IMPORT_LIMITS.containers || values + containers > IMPORT_LIMITS.values)
    throw new NotImportable(
      `read as JSON, it has ${containers.toLocaleString('en')} objects and lists and ${values.toLocaleString('en')} values beside each other, more than can be read: record a shorter time`,
    );
}

function stoppedAt(text: string, message: string): string {
  const place = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN);
  // A file that is cut has nothing but its end where the parser stumbles.
  if (/end of JSON|Unterminated/.test(message) || place >= text.trimEnd().length)
    return `it ends in the middle, at character ${text.length.toLocaleString('en')}: it was not written or copied whole`;
  // Some releases of V8 show the place and do not number it.
  if (Number.isNaN(place)) return `it is not valid: ${shown(message.replace(/ is not valid JSON$/, ''))}`;
  const line = text.slice(0, place).split('\n').length;
  return `it is not valid from character ${(place + 1).toLocaleString('en')} on (line ${line}): ${JSON.stringify(text.slice(place, place + 12))}`;
}
