import { endianness } from 'node:os';

/** A binary answer of the store: docs/api.md, "A tree" and "A timeline". The store is ours, so what it says is not checked. */
export interface Container<Heading> {
  heading: Heading;
  whole(name: string): Uint32Array;
  numbers(name: string): Float64Array;
}

/** Columns of a heading. */
interface Described {
  columns: { name: string; offset: number; length: number }[];
}

/** Frames as columns of texts and numbers. */
export interface Frames {
  name: string[];
  file: string[];
  line: number[];
  kind: string[];
  package: string[];
}

/** The prefix: four letters, and the length of the heading. */
const PREFIX = 8;

/** Reads an answer. Its columns are copies, so that they begin where typed arrays may. */
export function readContainer<Heading>(bytes: Buffer): Container<Heading> {
  if (endianness() !== 'LE')
    throw new Error('columns of the store are little endian, and this machine is not');
  const heading = JSON.parse(bytes.toString('utf8', PREFIX, PREFIX + bytes.readUInt32LE(4))) as Heading &
    Described;
  const part = (name: string, size: number): ArrayBuffer => {
    const column = heading.columns.find((one) => one.name === name);
    if (!column) throw new Error(`the answer has no column ${name}`);
    return new Uint8Array(bytes.subarray(column.offset, column.offset + column.length * size)).buffer;
  };
  return {
    heading,
    whole: (name) => new Uint32Array(part(name, Uint32Array.BYTES_PER_ELEMENT)),
    numbers: (name) => new Float64Array(part(name, Float64Array.BYTES_PER_ELEMENT)),
  };
}
