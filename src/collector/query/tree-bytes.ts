/** What the store answers to `/diff`: docs/api.md, "A tree". */
export interface DiffTree {
  heading: DiffHeading;
  parent: Uint32Array;
  /** Index into the heading's frames; of the root it is none. */
  frame: Uint32Array;
  self: Float64Array;
  total: Float64Array;
  selfB: Float64Array;
  totalB: Float64Array;
}

/** How many requests came while the profiles of a side were taken; else why nothing can be divided by it, as a part of a sentence. */
export type Requests = { count: number } | { reason: string };

interface DiffHeading {
  type: string;
  unit: string;
  /** Sums of all samples. */
  total: number;
  totalB: number;
  /** Of the profiles that were found, added up. */
  seconds: number;
  secondsB: number;
  requests: Requests;
  requestsB: Requests;
  damaged: number;
  omitted: number;
  frames: { name: string[]; file: string[]; line: number[]; kind: string[]; package: string[] };
  columns: { name: string; type: 'u32' | 'f64'; offset: number; length: number }[];
}

const PREFIX_BYTES = 8;

/** The heading of a tree that the store has made; without the fields of B where it is not of `/diff`. */
export function readHeading(bytes: Buffer): DiffHeading {
  const length = bytes.readUInt32LE(4);
  return JSON.parse(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length)) as DiffHeading;
}

/** Takes apart bytes that the store has made; columns are copies, whose place in memory suits their numbers. */
export function readDiffTree(bytes: Buffer): DiffTree {
  const heading = readHeading(bytes);
  const bytesOf = (name: string, size: number): ArrayBuffer => {
    const column = heading.columns.find((one) => one.name === name);
    if (!column) throw new Error(`the store's answer has no column ${name}`);
    return Uint8Array.from(bytes.subarray(column.offset, column.offset + size * column.length)).buffer;
  };
  const whole = (name: string): Uint32Array => new Uint32Array(bytesOf(name, 4));
  const real = (name: string): Float64Array => new Float64Array(bytesOf(name, 8));
  return {
    heading,
    parent: whole('parent'),
    frame: whole('frame'),
    self: real('self'),
    total: real('total'),
    selfB: real('selfB'),
    totalB: real('totalB'),
  };
}
