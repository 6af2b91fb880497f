/** Fields of a profile that are messages, texts or lists of bytes (profile.proto of google/pprof). */
const WITH_LENGTH: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 11]);
/** How many records are read: each is an object or more, and V8's heap ends at some gigabytes. */
const MOST_RECORDS = 1_000_000;

/** For bytes that are no profile, or have been changed. */
export const FOREIGN = 'it is damaged, or another kind of file';
/** For a file that has a beginning and no end. */
export const CUT = 'it ends in the middle: it is damaged, or was not copied whole';

/**
 * Why bytes cannot be a profile, as a sentence; undefined where their outermost records are those of one. The decoder
 * takes any bytes for a message, and gigabytes of memory for some.
 */
export function whyNotRecords(data: Uint8Array): string | undefined {
  let offset = 0;
  // A number of at most 64 bits; undefined where the data ends in it.
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = data[offset++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  for (let records = 0; offset < data.length; records++) {
    if (records === MOST_RECORDS)
      return `it has more than ${MOST_RECORDS} records, which this command cannot read`;
    const tag = varint();
    if (tag === undefined) return CUT;
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (!(field >= 1) || (WITH_LENGTH.has(field) && type !== 2)) return FOREIGN;
    if (type === 0) {
      if (varint() === undefined) return CUT;
    } else if (type === 2) {
      const length = varint();
      if (length === undefined) return CUT;
      offset += length;
    } else if (type === 1) offset += 8;
    else if (type === 5) offset += 4;
    else return FOREIGN;
    if (Number.isNaN(offset)) return FOREIGN;
  }
  return offset > data.length ? CUT : undefined;
}
