import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { toValue, type Value } from './model';

/** A field's tag, as it stands before a number. */
export const varint = (field: number): number => (field << 3) | VARINT;
/** A field's tag, as it stands before a length: of a message, a text or a packed list. */
export const delimited = (field: number): number => (field << 3) | DELIMITED;
/** A field's tag, as it stands before eight bytes. */
export const fixed64 = (field: number): number => (field << 3) | WireType.Bit64;

// Looked up once: in a CommonJS module each look is a call.
const VARINT = WireType.Varint;
const DELIMITED = WireType.LengthDelimited;

/**
 * The records of one message, found in a first pass, so that they can be read in another order than that in which they
 * stand. Throws where the bytes are no message.
 */
export class Records {
  readonly reader: BinaryReader;
  private readonly offsets = new Map<number, number[]>();
  private readonly numbers = new Map<number, Value>();

  constructor(readonly data: Uint8Array) {
    const reader = new BinaryReader(data);
    this.reader = reader;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      if ((tag & 7) === DELIMITED) {
        const known = this.offsets.get(field);
        if (known) known.push(reader.pos);
        else this.offsets.set(field, [reader.pos]);
        // The reader's own way to skip makes an object of what it skips.
        reader.pos = this.end();
      } else if ((tag & 7) === VARINT) this.numbers.set(field, this.int64());
      else this.skip(tag);
    }
  }

  /** The last number of a field, or zero. */
  number(field: number): Value {
    return this.numbers.get(field) ?? 0;
  }

  /** Reads all records of a field; the reader stands before the length of each. */
  each<T>(field: number, read: (index: number) => T): T[] {
    return (this.offsets.get(field) ?? []).map((offset, index) => {
      this.reader.pos = offset;
      return read(index);
    });
  }

  /** Where the record ends whose length comes next. A reader of its fields goes on until it is there. */
  end(): number {
    const { reader } = this;
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > reader.len) throw new Error('it ends in the middle');
    return end;
  }

  /** Skips a field that nobody reads. */
  skip(tag: number): void {
    this.reader.skip(tag & 7, tag >>> 3);
  }

  /** An int64. Most have few bytes, and a `bigint` costs more than all else that is read. */
  int64(): Value {
    return this.small() ?? toValue(BigInt(this.reader.int64()));
  }

  /** As `int64`, without a sign. */
  uint64(): Value {
    return this.small() ?? toValue(BigInt(this.reader.uint64()));
  }

  /** A number of at most four bytes, 28 bits. Where it has more, nothing is read. */
  private small(): number | undefined {
    const { reader } = this;
    const start = reader.pos;
    const number = reader.uint32();
    if (reader.pos - start <= 4) return number;
    reader.pos = start;
    return undefined;
  }
}
