import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  type LabelInput,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile,
  StringTable,
  type ValueTypeInput,
} from 'pprof-format';

/** A frame to write: where `module` is given, it is native. */
export interface GivenFrame {
  name: string;
  file?: string;
  line?: number;
  startLine?: number;
  module?: string;
}

/** A sample to write: values in the order of the types, the stack from root to leaf. */
export interface GivenSample {
  values: (number | bigint)[];
  stack: GivenFrame[];
  thread?: string;
  /** Further labels; a `bigint` is a number. */
  labels?: Record<string, string | bigint>;
}

/** What a profile says of itself. */
export interface GivenPeriod {
  /** In nanoseconds since the epoch. */
  start?: bigint;
  durationNanoseconds?: bigint;
  period?: number;
  periodType?: [type: string, unit: string];
  comment?: string;
}

/** Writes a profile with exactly these samples, compressed with gzip. */
export function buildProfile(
  path: string,
  types: [type: string, unit: string][],
  samples: GivenSample[],
): void {
  writeFileSync(path, encodeProfile(types, samples));
}

/** A profile with exactly these samples, compressed with gzip. */
export function encodeProfile(
  types: [type: string, unit: string][],
  samples: GivenSample[],
  { start, durationNanoseconds, period, periodType, comment }: GivenPeriod = {},
): Buffer {
  const strings = new StringTable();
  const location: Location[] = [];
  const functions: PprofFunction[] = [];
  const mapping: Mapping[] = [];
  const ids = new Map<string, number>();
  const locate = (frame: GivenFrame): number => {
    const known = ids.get(JSON.stringify(frame));
    if (known !== undefined) return known;
    const id = location.length + 1;
    ids.set(JSON.stringify(frame), id);
    const filename = strings.dedup(frame.file ?? '');
    functions.push(
      new PprofFunction({
        id,
        name: strings.dedup(frame.name),
        filename,
        startLine: signed(frame.startLine),
      }),
    );
    if (frame.module) mapping.push(new Mapping({ id, filename: strings.dedup(frame.module) }));
    const line = [new Line({ functionId: id, line: signed(frame.line) })];
    location.push(new Location({ id, line, mappingId: frame.module ? id : 0 }));
    return id;
  };
  const labelsOf = ({ thread, labels }: GivenSample): LabelInput[] => {
    const all = { ...(thread && { 'thread name': thread }), ...labels };
    return Object.entries(all).map(([key, value]) =>
      typeof value === 'string'
        ? { key: strings.dedup(key), str: strings.dedup(value) }
        : { key: strings.dedup(key), num: signed(value) },
    );
  };
  const valueType = ([type, unit]: [string, string]): ValueTypeInput => ({
    type: strings.dedup(type),
    unit: strings.dedup(unit),
  });
  const profile = new Profile({
    sampleType: types.map(valueType),
    sample: samples.map((sample) => ({
      value: sample.values.map(signed),
      locationId: sample.stack.map(locate).reverse(),
      label: labelsOf(sample),
    })),
    location,
    function: functions,
    mapping,
    stringTable: strings,
    ...(start !== undefined && { timeNanos: start }),
    ...(durationNanoseconds !== undefined && { durationNanos: durationNanoseconds }),
    ...(period !== undefined && { period }),
    ...(periodType && { periodType: valueType(periodType) }),
    ...(comment !== undefined && { comment: [strings.dedup(comment)] }),
  });
  return gzipSync(profile.encode());
}

/** The encoder takes no sign. */
function signed(value: number | bigint = 0): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}
