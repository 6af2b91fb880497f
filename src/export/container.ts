/** The form of docs/api.md, "A tree": letters, a heading as JSON, columns. */

const ALIGNMENT = 8;
const PREFIX_BYTES = 8;

/** Columns by name; all numbers of one are of one kind. */
export type Columns = ReadonlyMap<string, Uint32Array | Float64Array>;

/** A heading without its list of columns, and what these are. */
export interface Container {
  heading: Record<string, unknown>;
  columns: Columns;
}

/** Writes a container; its list of columns becomes part of the heading. */
export function writeContainer(magic: string, { heading, columns }: Container): Buffer {
  const described = (start: number): Buffer => {
    let offset = start;
    const list = [...columns].map(([name, values]) => {
      const own = offset;
      offset += aligned(values.byteLength);
      return {
        name,
        type: values instanceof Uint32Array ? 'u32' : 'f64',
        offset: own,
        length: values.length,
      };
    });
    return Buffer.from(JSON.stringify({ ...heading, columns: list }));
  };
  // Offsets of more digits make the heading longer, which makes offsets larger: this ends, as both only grow.
  let start = 0;
  let text = described(start);
  for (let next = PREFIX_BYTES + aligned(text.length); next > start; ) {
    start = next;
    text = described(start);
    next = PREFIX_BYTES + aligned(text.length);
  }
  const bodyBytes = [...columns.values()].reduce((sum, { byteLength }) => sum + aligned(byteLength), 0);
  const bytes = Buffer.alloc(start + bodyBytes);
  bytes.write(magic, 'latin1');
  bytes.writeUInt32LE(start - PREFIX_BYTES, 4);
  bytes.fill(' ', PREFIX_BYTES, start).set(text, PREFIX_BYTES);
  let offset = start;
  for (const values of columns.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += aligned(values.byteLength);
  }
  return bytes;
}

/** Reads a container that the store has written. Throws for another one. */
export function readContainer(magic: string, bytes: Buffer): Container {
  if (bytes.toString('latin1', 0, 4) !== magic) throw new Error(`the store's answer is no ${magic}`);
  // Columns are read in place, which their numbers' size has to divide.
  const { buffer } = Uint8Array.from(bytes);
  const text = bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + bytes.readUInt32LE(4));
  const { columns, ...heading } = JSON.parse(text) as {
    columns: { name: string; type: 'u32' | 'f64'; offset: number; length: number }[];
  };
  return {
    heading,
    columns: new Map(
      columns.map(({ name, type, offset, length }) => [
        name,
        type === 'u32' ? new Uint32Array(buffer, offset, length) : new Float64Array(buffer, offset, length),
      ]),
    ),
  };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
