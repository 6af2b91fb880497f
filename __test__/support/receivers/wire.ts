/**
 * A strict reader of protobuf, of its own so that it does not share a mistake with what writes the messages: each field must be
 * known, of the right kind, and within the bytes.
 */

/** What a field may be: `list` is a packed list of varints, `fixed` one of eight bytes each. */
export type Kind = 'varint' | 'fixed64' | 'bytes' | 'text' | 'message' | 'list' | 'fixed';

/** By field number: name and kind. */
export type Schema = Record<number, [name: string, kind: Kind]>;

/** A message: all values of each field, in the order in which they came. */
export class Message {
  private readonly fields = new Map<string, unknown[]>();

  constructor(
    data: Buffer,
    private readonly title: string,
    schema: Schema,
  ) {
    let offset = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = data[offset++];
        if (byte === undefined) throw new Error(`${title}: a number ends in the middle`);
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return BigInt.asUintN(64, value);
      }
      throw new Error(`${title}: a number has more than 64 bits`);
    };
    const take = (length: number): Buffer => {
      if (offset + length > data.length) throw new Error(`${title}: a field ends in the middle`);
      offset += length;
      return data.subarray(offset - length, offset);
    };
    while (offset < data.length) {
      const tag = Number(varint());
      const known = schema[Math.floor(tag / 8)];
      if (!known) throw new Error(`${title}: nobody knows field ${Math.floor(tag / 8)}`);
      const [name, kind] = known;
      const wanted = kind === 'varint' ? 0 : kind === 'fixed64' ? 1 : 2;
      if (tag % 8 !== wanted) throw new Error(`${title}.${name} has wire type ${tag % 8}`);
      let values: unknown[];
      if (kind === 'varint') values = [varint()];
      else if (kind === 'fixed64') values = [take(8).readBigUInt64LE()];
      else {
        const length = Number(varint());
        if (kind === 'list') {
          const end = offset + length;
          values = [];
          while (offset < end) values.push(varint());
          if (offset !== end || end > data.length) throw new Error(`${title}.${name}: its list is cut`);
        } else if (kind === 'fixed') {
          if (length % 8 !== 0) throw new Error(`${title}.${name}: its list is cut`);
          values = Array.from({ length: length / 8 }, () => take(8).readBigUInt64LE());
        } else if (kind === 'text') {
          values = [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(length))];
        } else values = [take(length)];
      }
      const list = this.fields.get(name) ?? [];
      for (const value of values) list.push(value);
      this.fields.set(name, list);
    }
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  /** All values of a repeated field. */
  all<T>(name: string): T[] {
    return (this.fields.get(name) ?? []) as T[];
  }

  /** A number that is there once, or zero. */
  number(name: string): bigint {
    return this.once<bigint>(name) ?? 0n;
  }

  /** A number as it is with a sign. */
  signed(name: string): bigint {
    return BigInt.asIntN(64, this.number(name));
  }

  text(name: string): string {
    return this.once<string>(name) ?? '';
  }

  bytes(name: string): Buffer {
    return this.once<Buffer>(name) ?? Buffer.alloc(0);
  }

  private once<T>(name: string): T | undefined {
    const values = this.all<T>(name);
    if (values.length > 1) throw new Error(`${this.title}.${name} is there ${values.length} times`);
    return values[0];
  }
}
