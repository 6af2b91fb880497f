import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Line, Location, Mapping, Function as PprofFunction, Profile, StringTable } from 'pprof-format';

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
  values: number[];
  stack: GivenFrame[];
  thread?: string;
}

/** Writes a profile with exactly these samples, compressed with gzip. */
export function buildProfile(
  path: string,
  types: [type: string, unit: string][],
  samples: GivenSample[],
): void {
  const strings = new StringTable();
  const location: Location[] = [];
  const functions: PprofFunction[] = [];
  const mapping: Mapping[] = [];
  const locate = (frame: GivenFrame): number => {
    const id = location.length + 1;
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
  const profile = new Profile({
    sampleType: types.map(([type, unit]) => ({ type: strings.dedup(type), unit: strings.dedup(unit) })),
    sample: samples.map(({ values, stack, thread }) => ({
      value: values.map(signed),
      locationId: stack.map(locate).reverse(),
      label: thread ? [{ key: strings.dedup('thread name'), str: strings.dedup(thread) }] : [],
    })),
    location,
    function: functions,
    mapping,
    stringTable: strings,
  });
  writeFileSync(path, gzipSync(profile.encode()));
}

/** The encoder takes no sign. */
function signed(value = 0): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}
