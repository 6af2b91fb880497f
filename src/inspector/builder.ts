import { Location, Function as PprofFunction, Profile, Sample, StringTable } from 'pprof-format';

/** One frame as the builder takes it. `line` is the executing line, 0 where none is known. */
export interface FrameInput {
  name: string;
  file: string;
  startLine: number;
  line: number;
}

/** Labels of a sample: text, or a number for `bigint`. */
export type LabelInput = readonly (readonly [key: string, value: string | bigint])[];

/** Puts samples into a profile.proto with each string, function and location once. */
export class ProfileBuilder {
  private readonly strings = new StringTable();
  private readonly functions: PprofFunction[] = [];
  private readonly functionIds = new Map<string, number>();
  private readonly locations: Location[] = [];
  private readonly locationIds = new Map<string, number>();
  private readonly samples: Sample[] = [];
  private readonly sampleTypes: { type: number; unit: number }[];

  constructor(sampleTypes: readonly (readonly [type: string, unit: string])[]) {
    this.sampleTypes = sampleTypes.map(([type, unit]) => ({
      type: this.strings.dedup(type),
      unit: this.strings.dedup(unit),
    }));
  }

  get sampleCount(): number {
    return this.samples.length;
  }

  /** The id of a location for this frame. */
  location(frame: FrameInput): number {
    const functionKey = `${frame.name}\0${frame.file}\0${frame.startLine}`;
    const key = `${frame.line}\0${functionKey}`;
    const known = this.locationIds.get(key);
    if (known !== undefined) return known;
    const id = this.locations.length + 1;
    const functionId = this.functionId(functionKey, frame);
    this.locations.push(new Location({ id, line: [{ functionId, line: frame.line }] }));
    this.locationIds.set(key, id);
    return id;
  }

  /** Adds a sample; `locationId` is leaf first, `value` in the order of the sample types. */
  add(locationId: number[], value: number[], labels: LabelInput): void {
    const label = labels.map(([key, content]) =>
      typeof content === 'bigint'
        ? { key: this.strings.dedup(key), num: content }
        : { key: this.strings.dedup(key), str: this.strings.dedup(content) },
    );
    this.samples.push(new Sample({ locationId, value, label }));
  }

  /** The finished profile. Times are nanoseconds; `period` is the sampling interval. */
  finish(
    startNanoseconds: bigint,
    durationNanoseconds: bigint,
    period: number,
    comments: readonly string[],
  ): Profile {
    return new Profile({
      sampleType: this.sampleTypes,
      sample: this.samples,
      location: this.locations,
      function: this.functions,
      stringTable: this.strings,
      timeNanos: startNanoseconds,
      durationNanos: durationNanoseconds,
      ...(this.sampleTypes[1] ? { periodType: this.sampleTypes[1] } : {}),
      period,
      comment: comments.map((comment) => this.strings.dedup(comment)),
    });
  }

  private functionId(key: string, frame: FrameInput): number {
    const known = this.functionIds.get(key);
    if (known !== undefined) return known;
    const id = this.functions.length + 1;
    const name = this.strings.dedup(frame.name);
    const filename = this.strings.dedup(frame.file);
    this.functions.push(
      new PprofFunction({ id, name, systemName: name, filename, startLine: frame.startLine }),
    );
    this.functionIds.set(key, id);
    return id;
  }
}
