/** Fields of a profile that are messages, texts or lists of bytes (profile.proto of google/pprof). */
const WITH_LENGTH: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 11]);
/** How many records are read: each is an object or more, and V8's heap ends at some gigabytes. */
const MOST_RECORDS = 1_000_000;

/** For bytes that are no profile, or have been changed. */
export const FOREIGN = 'it is damaged, or another kind of file';
/** For a file that has a beginning and no end. */
export const CUT = 'it ends in the middle: it is damaged, or was not copied whole';

/** Reads the parts of a message one after the other (https://protobuf.dev/programming-guides/encoding/). */
export class Cursor {
  constructor(
    private readonly data: Uint8Array,
    public offset = 0,
    readonly end = data.length,
  ) {}

  /** A number of at most 64 bits, whole to 2^53; undefined where the data ends in it, NaN where it is longer. */
  varint(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.offset < this.end ? this.data[this.offset++] : undefined;
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  }
}

/**
 * Why bytes cannot be a profile, as a sentence; undefined where their outermost records are those of one. The decoder
 * takes any bytes for a message, and gigabytes of memory for some.
 */
export function whyNotRecords(data: Uint8Array, mostRecords = MOST_RECORDS): string | undefined {
  const cursor = new Cursor(data);
  for (let records = 0; cursor.offset < data.length; records++) {
    if (records === mostRecords)
      return `it has more than ${mostRecords} records, which this command cannot read`;
    const tag = cursor.varint();
    if (tag === undefined) return CUT;
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (!(field >= 1) || (WITH_LENGTH.has(field) && type !== 2)) return FOREIGN;
    if (type === 0) {
      if (cursor.varint() === undefined) return CUT;
    } else if (type === 2) {
      const length = cursor.varint();
      if (length === undefined) return CUT;
      cursor.offset += length;
    } else if (type === 1) cursor.offset += 8;
    else if (type === 5) cursor.offset += 4;
    else return FOREIGN;
    if (Number.isNaN(cursor.offset)) return FOREIGN;
  }
  return cursor.offset > data.length ? CUT : undefined;
}
