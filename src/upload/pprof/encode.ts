import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile, Value, ValueType } from './model';
import { Numbers } from './numbers';
import { UsedPlaces } from './places';
import { delimited, varint } from './records';
import { writeInt64, writeNumber, writeUnsigned } from './writing';

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

/** Tags of the fields that are written most (profile.proto of google/pprof). */
const SAMPLE = delimited(2);
const STACK = delimited(1);
const VALUES = delimited(2);
const LABEL = delimited(3);
const LABEL_KEY = varint(1);
const LABEL_TEXT = varint(2);
const LABEL_NUMBER = varint(3);
const STRING = delimited(6);
const ID = varint(1);

class Encoder {
  private readonly writer = new BinaryWriter();
  private readonly strings = new Numbers<string>(0);
  private readonly locations: UsedPlaces;
  private readonly functions: UsedPlaces;
  private readonly mappings: UsedPlaces;

  constructor(private readonly profile: OutgoingProfile) {
    const { source } = profile;
    this.locations = new UsedPlaces(source.locations.length);
    this.functions = new UsedPlaces(source.functions.length);
    this.mappings = new UsedPlaces(source.mappings.length);
    this.strings.of('');
  }

  encode(): Uint8Array {
    const { writer, profile } = this;
    for (const type of profile.types) this.valueType(delimited(1), type);
    for (const sample of profile.samples) this.sample(sample);
    // Each table may name more of the next.
    this.locations.used.forEach((place, index) => {
      this.location(place, index + 1);
    });
    this.functions.used.forEach((place, index) => {
      this.function(place, index + 1);
    });
    this.mappings.used.forEach((place, index) => {
      this.mapping(place, index + 1);
    });
    this.valueType(delimited(11), profile.periodType);
    for (const text of this.strings.used) writer.uint32(STRING).string(text);
    writer.uint32(varint(9)).int64(profile.start);
    writer.uint32(varint(10)).int64(profile.durationNanoseconds);
    writer.uint32(varint(12)).int64(profile.period);
    return writer.finish();
  }

  private valueType(tag: number, { type, unit }: ValueType): void {
    this.writer.uint32(tag).fork();
    this.text(varint(1), type);
    this.text(varint(2), unit);
    this.writer.join();
  }

  /** A field that is a text: its place in the table. */
  private text(tag: number, text: string): void {
    if (text !== '') this.writer.uint32(tag).uint32(this.strings.of(text));
  }

  private sample({ stack, values, labels }: AddedSample): void {
    const { writer, profile, locations } = this;
    writer.uint32(SAMPLE).fork().uint32(STACK).fork();
    for (const place of profile.source.stacks[stack] ?? []) writer.uint32(locations.of(place));
    writer.join().uint32(VALUES).fork();
    for (const value of values) writeInt64(writer, value);
    writer.join();
    for (const label of profile.labelSets[labels] ?? []) {
      writer.uint32(LABEL).fork();
      this.text(LABEL_KEY, label.key);
      if ('text' in label) this.text(LABEL_TEXT, label.text);
      else writer.uint32(LABEL_NUMBER).int64(BigInt.asIntN(64, label.number));
      writer.join();
    }
    writer.join();
  }

  private location(place: number, id: number): void {
    const { writer } = this;
    const location = this.profile.source.locations[place];
    writer.uint32(delimited(4)).fork().uint32(ID).uint32(id);
    if (location?.mapping !== undefined) writer.uint32(varint(2)).uint32(this.mappings.of(location.mapping));
    writeUnsigned(writer, varint(3), location?.address ?? 0);
    for (const { function: entry, line, column } of location?.lines ?? []) {
      writer.uint32(delimited(4)).fork().uint32(varint(1)).uint32(this.functions.of(entry));
      writeNumber(writer, varint(2), line);
      writeNumber(writer, varint(3), column);
      writer.join();
    }
    writer.join();
  }

  private function(place: number, id: number): void {
    const { writer } = this;
    const entry = this.profile.source.functions[place];
    writer.uint32(delimited(5)).fork().uint32(ID).uint32(id);
    this.text(varint(2), entry?.name ?? '');
    this.text(varint(3), entry?.systemName ?? '');
    this.text(varint(4), entry?.file ?? '');
    writeNumber(writer, varint(5), entry?.startLine ?? 0);
    writer.join();
  }

  private mapping(place: number, id: number): void {
    const { writer } = this;
    const mapping = this.profile.source.mappings[place];
    writer.uint32(delimited(3)).fork().uint32(ID).uint32(id);
    writeUnsigned(writer, varint(2), mapping?.memoryStart ?? 0);
    writeUnsigned(writer, varint(3), mapping?.memoryLimit ?? 0);
    writeUnsigned(writer, varint(4), mapping?.fileOffset ?? 0);
    this.text(varint(5), mapping?.file ?? '');
    this.text(varint(6), mapping?.buildId ?? '');
    // has_functions: the frames have names already.
    writer.uint32(varint(7)).bool(true).join();
  }
}
