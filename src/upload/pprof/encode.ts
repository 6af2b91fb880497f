import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile, Value, ValueType } from './model';
import { Numbers } from './numbers';
import { delimited, varint } from './records';

/** A profile to write: samples of a source, whose stacks, functions and mappings they use. */
export interface OutgoingProfile {
  source: PprofProfile;
  types: readonly ValueType[];
  samples: readonly AddedSample[];
  /** What `labels` of a sample points at. */
  labelSets: readonly LabelSet[];
  periodType: ValueType;
  period: Value;
  /** In nanoseconds since the epoch. */
  start: bigint;
  durationNanoseconds: bigint;
}

/** Writes a profile.proto without compression. Only what its samples use is in it; ids are given in order of first use. */
export function encodeProfile(profile: OutgoingProfile): Uint8Array {
  return new Encoder(profile).encode();
}

/** Field numbers and messages: profile.proto of google/pprof. */
class Encoder {
  private readonly writer = new BinaryWriter();
  private readonly strings = new Numbers<string>(0);
  // An id of zero is none.
  private readonly locations = new Numbers<number>(1);
  private readonly functions = new Numbers<number>(1);
  private readonly mappings = new Numbers<number>(1);

  constructor(private readonly profile: OutgoingProfile) {
    this.strings.of('');
  }

  encode(): Uint8Array {
    const { writer, profile } = this;
    for (const type of profile.types) this.valueType(1, type);
    this.samples();
    // Each table may name more of the next.
    this.locationTable();
    this.functionTable();
    this.mappingTable();
    this.valueType(11, profile.periodType);
    for (const text of this.strings.used) writer.uint32(delimited(6)).string(text);
    writer.uint32(varint(9)).int64(profile.start);
    writer.uint32(varint(10)).int64(profile.durationNanoseconds);
    writer.uint32(varint(12)).int64(profile.period);
    return writer.finish();
  }

  private valueType(field: number, { type, unit }: ValueType): void {
    this.writer.uint32(delimited(field)).fork();
    this.index(1, type);
    this.index(2, unit);
    this.writer.join();
  }

  /** A field that is a text. */
  private index(field: number, text: string): void {
    if (text !== '') this.writer.uint32(varint(field)).uint32(this.strings.of(text));
  }

  /** A field that is a number, which is left out where it is zero. */
  private number(field: number, value: Value): void {
    if (value !== 0) this.writer.uint32(varint(field)).int64(value);
  }

  private samples(): void {
    const { writer, profile } = this;
    const { stacks } = profile.source;
    for (const sample of profile.samples) {
      writer.uint32(delimited(2)).fork();
      writer.uint32(delimited(1)).fork();
      for (const location of stacks[sample.stack] ?? []) writer.uint32(this.locations.of(location));
      writer.join();
      writer.uint32(delimited(2)).fork();
      for (const value of sample.values) writer.int64(value);
      writer.join();
      for (const label of profile.labelSets[sample.labels] ?? []) {
        writer.uint32(delimited(3)).fork();
        this.index(1, label.key);
        if ('text' in label) this.index(2, label.text);
        else writer.uint32(varint(3)).int64(BigInt.asIntN(64, label.number));
        writer.join();
      }
      writer.join();
    }
  }

  private locationTable(): void {
    const { writer } = this;
    this.locations.used.forEach((place, index) => {
      const location = this.profile.source.locations[place];
      if (!location) return;
      writer.uint32(delimited(4)).fork();
      this.number(1, index + 1);
      if (location.mapping !== undefined) this.number(2, this.mappings.of(location.mapping));
      this.address(3, location.address);
      for (const { function: entry, line, column } of location.lines) {
        writer.uint32(delimited(4)).fork();
        this.number(1, this.functions.of(entry));
        this.number(2, line);
        this.number(3, column);
        writer.join();
      }
      writer.join();
    });
  }

  private functionTable(): void {
    this.functions.used.forEach((place, index) => {
      const entry = this.profile.source.functions[place];
      if (!entry) return;
      this.writer.uint32(delimited(5)).fork();
      this.number(1, index + 1);
      this.index(2, entry.name);
      this.index(3, entry.systemName);
      this.index(4, entry.file);
      this.number(5, entry.startLine);
      this.writer.join();
    });
  }

  private mappingTable(): void {
    this.mappings.used.forEach((place, index) => {
      const mapping = this.profile.source.mappings[place];
      if (!mapping) return;
      this.writer.uint32(delimited(3)).fork();
      this.number(1, index + 1);
      this.address(2, mapping.memoryStart);
      this.address(3, mapping.memoryLimit);
      this.address(4, mapping.fileOffset);
      this.index(5, mapping.file);
      this.index(6, mapping.buildId);
      // has_functions: the frames have names already.
      this.writer.uint32(varint(7)).bool(true);
      this.writer.join();
    });
  }

  /** A uint64, left out where it is zero. */
  private address(field: number, value: Value): void {
    if (value !== 0) this.writer.uint32(varint(field)).uint64(value);
  }
}
