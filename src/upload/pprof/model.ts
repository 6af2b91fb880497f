/**
 * A profile.proto as the exporters work on it: ids are resolved to places in arrays, and equal stacks and equal sets of
 * labels are there once, so that samples can be compared by two numbers.
 */

/** An int64: a number where that is exact, which is the case of all but broken profiles. */
export type Value = number | bigint;

/** Such as `wall` in `nanoseconds`. */
export interface ValueType {
  type: string;
  unit: string;
}

/** A label that is a text. */
export interface TextLabel {
  key: string;
  text: string;
}

/** A label that is a number, such as `span id`, whose 64 bits are read without a sign. */
export interface NumberLabel {
  key: string;
  number: bigint;
}

export type Label = TextLabel | NumberLabel;

/** All labels of a sample but `end_timestamp_ns`. */
export type LabelSet = readonly Label[];

export interface PprofSample {
  /** Place in `stacks`. */
  stack: number;
  /** Place in `labelSets`. */
  labels: number;
  /** In the order of `types`. */
  values: Value[];
  /** The label `end_timestamp_ns`: nanoseconds since the epoch. */
  endNanoseconds?: bigint;
}

export interface PprofFunction {
  name: string;
  systemName: string;
  file: string;
  startLine: number;
}

export interface PprofLine {
  /** Place in `functions`. */
  function: number;
  line: number;
  column: number;
}

export interface PprofLocation {
  /** Place in `mappings`; undefined of JavaScript. */
  mapping: number | undefined;
  address: Value;
  /** Inlined functions first. */
  lines: PprofLine[];
}

export interface PprofMapping {
  memoryStart: Value;
  memoryLimit: Value;
  fileOffset: Value;
  file: string;
  buildId: string;
}

export interface PprofProfile {
  types: ValueType[];
  samples: PprofSample[];
  /**
   * Places in `locations`, each plus one, leaf first: packed as protobuf packs numbers. They stay so from the profile that is
   * read to what is sent, as a profile has a hundred thousand of them.
   */
  stacks: Uint8Array[];
  labelSets: LabelSet[];
  locations: PprofLocation[];
  functions: PprofFunction[];
  mappings: PprofMapping[];
  /** In nanoseconds since the epoch; zero where the profile does not tell. */
  start: bigint;
  durationNanoseconds: bigint;
  periodType: ValueType | undefined;
  period: Value;
}

/** The sum of two values, exact. */
export function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return BigInt(a) + BigInt(b);
}

/** A number where that is exact. */
export function toValue(integer: bigint): Value {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}
