import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile, Value, ValueType } from './model';
import { Numbers } from './numbers';
import { delimited, varint } from './records';
import { writeInt64, writeNumber, writeUnsigned } from './writing';

/** A profile to write: samples of a source, whose stacks, functions and mappings they use. */
export interface OutgoingProfile {
  source: PprofProfile;
  types: readonly ValueType[];
  samples: readonly AddedSample[];
  /** What `labels` of a sample points at. */
  labelSets: readonly LabelSet[];
  /** Places of the locations that the samples use; all of the source where left out. */
  locations?: readonly number[];
  periodType: ValueType;
  period: Value;
  /** In nanoseconds since the epoch. */
  start: bigint;
  durationNanoseconds: bigint;
}

/**
 * Writes a profile.proto without compression. Ids are places plus one. Functions, mappings and texts are written where
 * something needs them.
 */
export function encodeProfile(profile: OutgoingProfile): Uint8Array {
  return new Encoder(profile).encode();
}

/** Tags of the fields that are written most (profile.proto of google/pprof). */
const SAMPLE = delimited(2);
const STACK = delimited(1);
const VALUES = delimited(2);
const STRING = delimited(6);
const ID = varint(1);

class Encoder {
  private readonly writer = new BinaryWriter();
  private readonly strings = new Numbers<string>(0);
  private readonly functions = new Set<number>();
  private readonly mappings = new Set<number>();

  constructor(private readonly profile: OutgoingProfile) {
    this.strings.of('');
  }

  encode(): Uint8Array {
    const { writer, profile } = this;
    for (const type of profile.types) this.valueType(delimited(1), type);
    this.samples();
    // Each table may name more of the next.
    for (const place of profile.locations ?? profile.source.locations.keys()) this.location(place);
    for (const place of this.functions) this.function(place);
    for (const place of this.mappings) this.mapping(place);
    this.valueType(delimited(11), profile.periodType);
    for (const text of this.strings.used) writer.uint32(STRING).string(text);
    writer.uint32(varint(9)).int64(profile.start);
    writer.uint32(varint(10)).int64(profile.durationNanoseconds);
    writer.uint32(varint(12)).int64(profile.period);
    return writer.finish();
  }

  private valueType(tag: number, { type, unit }: ValueType): void {
    this.writer.uint32(tag).fork();
    this.text(this.writer, varint(1), type);
    this.text(this.writer, varint(2), unit);
    this.writer.join();
  }

  /** A field that is a text: its place in the table. */
  private text(writer: BinaryWriter, tag: number, text: string): void {
    if (text !== '') writer.uint32(tag).uint32(this.strings.of(text));
  }

  private samples(): void {
    const { writer, profile } = this;
    const { stacks } = profile.source;
    // Many samples have the same labels.
    const labels = profile.labelSets.map((set) => this.labels(set));
    for (const sample of profile.samples) {
      writer.uint32(SAMPLE).fork();
      writer.uint32(STACK).bytes(stacks[sample.stack] as Uint8Array);
      writer.uint32(VALUES).fork();
      for (const value of sample.values) writeInt64(writer, value);
      writer.join();
      writer.raw(labels[sample.labels] as Uint8Array).join();
    }
  }

  private labels(set: LabelSet): Uint8Array {
    const writer = new BinaryWriter();
    for (const label of set) {
      writer.uint32(delimited(3)).fork();
      this.text(writer, varint(1), label.key);
      if ('text' in label) this.text(writer, varint(2), label.text);
      else writer.uint32(varint(3)).int64(BigInt.asIntN(64, label.number));
      writer.join();
    }
    return writer.finish();
  }

  private location(place: number): void {
    const { writer } = this;
    const location = this.profile.source.locations[place];
    writer.uint32(delimited(4)).fork();
    writer.uint32(ID).uint32(place + 1);
    if (location?.mapping !== undefined) {
      this.mappings.add(location.mapping);
      writer.uint32(varint(2)).uint32(location.mapping + 1);
    }
    writeUnsigned(writer, varint(3), location?.address ?? 0);
    for (const { function: entry, line, column } of location?.lines ?? []) {
      this.functions.add(entry);
      writer.uint32(delimited(4)).fork();
      writer.uint32(varint(1)).uint32(entry + 1);
      writeNumber(writer, varint(2), line);
      writeNumber(writer, varint(3), column);
      writer.join();
    }
    writer.join();
  }

  private function(place: number): void {
    const { writer } = this;
    const entry = this.profile.source.functions[place];
    writer.uint32(delimited(5)).fork();
    writer.uint32(ID).uint32(place + 1);
    this.text(writer, varint(2), entry?.name ?? '');
    this.text(writer, varint(3), entry?.systemName ?? '');
    this.text(writer, varint(4), entry?.file ?? '');
    writeNumber(writer, varint(5), entry?.startLine ?? 0);
    writer.join();
  }

  private mapping(place: number): void {
    const { writer } = this;
    const mapping = this.profile.source.mappings[place];
    writer.uint32(delimited(3)).fork();
    writer.uint32(ID).uint32(place + 1);
    writeUnsigned(writer, varint(2), mapping?.memoryStart ?? 0);
    writeUnsigned(writer, varint(3), mapping?.memoryLimit ?? 0);
    writeUnsigned(writer, varint(4), mapping?.fileOffset ?? 0);
    this.text(writer, varint(5), mapping?.file ?? '');
    this.text(writer, varint(6), mapping?.buildId ?? '');
    // has_functions: the frames have names already.
    writer.uint32(varint(7)).bool(true).join();
  }
}
