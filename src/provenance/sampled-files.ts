import { gunzipSync } from 'node:zlib';
import { Cursor } from '../profile/wire';

/** The files that a profile's functions are of. */
export interface SampledFiles {
  /** File names as they stand in the functions, native ones among them. */
  sources: string[];
  /** Binaries of native code. */
  modules: string[];
}

/** Our own profiles have some megabytes; what is larger is not worth the memory. */
const MOST_BYTES = 128 * 1024 * 1024;

/** Field numbers of profile.proto. */
const MAPPING = 3;
const FUNCTION = 5;
const STRING = 6;
const FILENAME_OF_MAPPING = 5;
const FILENAME_OF_FUNCTION = 4;

const GZIP = 0x1f8b;
const NOTHING: SampledFiles = { sources: [], modules: [] };

/**
 * The file names in a profile (profile.proto, plain or compressed with gzip). Samples and locations, most of it, are stepped over,
 * and of the texts only file names are decoded. What is no profile has none.
 */
export function sampledFiles(profile: Buffer): SampledFiles {
  try {
    const isCompressed = profile.length > 1 && profile.readUInt16BE(0) === GZIP;
    return scan(isCompressed ? gunzipSync(profile, { maxOutputLength: MOST_BYTES }) : profile);
  } catch {
    // It is sent as it is; where its code comes from is an addition.
    return NOTHING;
  }
}

function scan(data: Buffer): SampledFiles {
  const sources = new Set<number>();
  const modules = new Set<number>();
  /** Begin and end of each text. */
  const texts: number[] = [];
  for (const { field, begin, end } of messages(data, 0, data.length)) {
    if (field === STRING) texts.push(begin, end);
    else if (field === FUNCTION) sources.add(numberIn(data, begin, end, FILENAME_OF_FUNCTION));
    else if (field === MAPPING) modules.add(numberIn(data, begin, end, FILENAME_OF_MAPPING));
  }
  const decode = (indices: Set<number>): string[] => {
    const known = [...indices].filter((index) => 2 * index < texts.length);
    const names = known.map((index) => data.toString('utf8', texts[2 * index], texts[2 * index + 1]));
    return names.filter((name) => name !== '');
  };
  return { sources: decode(sources), modules: decode(modules) };
}

/** The fields with a length of a message, one after the other. Ends where the message is damaged. */
function* messages(
  data: Uint8Array,
  from: number,
  to: number,
): Generator<{ field: number; begin: number; end: number }> {
  const cursor = new Cursor(data, from, to);
  while (cursor.offset < to) {
    const tag = cursor.varint() ?? Number.NaN;
    const length = lengthOf(cursor, tag % 8);
    // Also of what is not a number.
    if (!(length >= 0 && cursor.offset + length <= to)) return;
    const begin = cursor.offset;
    cursor.offset += length;
    if (tag % 8 === 2) yield { field: Math.floor(tag / 8), begin, end: cursor.offset };
  }
}

/** Bytes of a field after its tag, and after its length where it has one. */
function lengthOf(cursor: Cursor, type: number): number {
  switch (type) {
    case 0:
      return cursor.varint() === undefined ? Number.NaN : 0;
    case 1:
      return 8;
    case 2:
      return cursor.varint() ?? Number.NaN;
    case 5:
      return 4;
    default:
      return Number.NaN;
  }
}

/** A number field of a small message; 0, which is no text, where it has none. */
function numberIn(data: Uint8Array, begin: number, end: number, wanted: number): number {
  const cursor = new Cursor(data, begin, end);
  while (cursor.offset < end) {
    const tag = cursor.varint() ?? Number.NaN;
    if (tag === wanted * 8) return cursor.varint() ?? 0;
    const length = lengthOf(cursor, tag % 8);
    if (!(length >= 0)) return 0;
    cursor.offset += length;
  }
  return 0;
}
