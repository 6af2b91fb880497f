import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { LabelSet, PprofLocation, PprofProfile } from '../../pprof/model';
import { Numbers } from '../../pprof/numbers';
import { UsedPlaces } from '../../pprof/places';
import { delimited, varint } from '../../pprof/records';
import { isOfSpan, type Span, spanOf } from '../../pprof/span';
import { writeNumber, writeUnsigned } from '../../pprof/writing';
import type { Attribute, AttributeValue } from './attributes';

/** Stands for the mapping of JavaScript, which has none: some receivers take an index of zero for a defect. */
const JAVASCRIPT = { file: 'JavaScript' };

/** By what an attribute is told apart from others. */
interface KnownAttribute {
  key: string;
  value: AttributeValue;
}

/**
 * The tables that the profiles of one request point into (`ProfilesDictionary` of opentelemetry.proto.profiles
 * .v1development). Entry zero of each is there and is the zero value.
 */
export class Dictionary {
  private readonly strings = new Numbers<string>(0);
  private readonly stacks: UsedPlaces;
  private readonly locations: UsedPlaces;
  private readonly functions: UsedPlaces;
  /** Of the profile's mappings; undefined is that of JavaScript. */
  private readonly mappings = new Numbers<number | undefined>(1);
  /** By key, length and value in one text. */
  private readonly attributes = new Numbers<string>(1);
  private readonly attributeList: KnownAttribute[] = [];
  /** By trace and span in one text. */
  private readonly links = new Numbers<string>(1);

  constructor(private readonly source: PprofProfile) {
    this.stacks = new UsedPlaces(source.stacks.length);
    this.locations = new UsedPlaces(source.locations.length);
    this.functions = new UsedPlaces(source.functions.length);
    this.strings.of('');
  }

  string(text: string): number {
    return this.strings.of(text);
  }

  /** A stack without frames is the zero value. */
  stack(place: number): number {
    return this.source.stacks[place]?.length ? this.stacks.of(place) : 0;
  }

  attribute([key, value]: Attribute): number {
    const identity = `${key.length}:${key}${typeof value === 'string' ? '=' : '#'}${value}`;
    const number = this.attributes.of(identity);
    if (number > this.attributeList.length) this.attributeList.push({ key, value });
    return number;
  }

  /** The attributes of a sample's labels, without its span. */
  attributesOf(set: LabelSet): number[] {
    return set.flatMap((label) => {
      if (isOfSpan(label)) return [];
      const value = 'text' in label ? label.text : BigInt.asIntN(64, label.number);
      return [this.attribute([label.key, value])];
    });
  }

  /** The link to a sample's span, or zero. A trace that is not known is 16 bytes of zero, as a link has to have both ids. */
  linkOf(set: LabelSet): number {
    const { spanId, traceId }: Span = spanOf(set);
    return spanId ? this.links.of(`${traceId ?? '0'.repeat(32)}${spanId}`) : 0;
  }

  /** Writes the fields of the message. Nothing may be looked up after that. */
  write(writer: BinaryWriter): void {
    // Each table may name more of the next, and each of them strings.
    const entry = (field: number): BinaryWriter => writer.uint32(delimited(field)).fork();
    entry(7).join();
    for (const place of this.stacks.used) {
      entry(7).uint32(delimited(1)).fork();
      for (const location of this.source.stacks[place] ?? []) writer.uint32(this.locations.of(location));
      writer.join().join();
    }
    entry(2).join();
    for (const place of this.locations.used) this.location(entry(2), place);
    entry(3).join();
    for (const place of this.functions.used) this.function(entry(3), place);
    entry(1).join();
    for (const place of this.mappings.used) this.mapping(entry(1), place);
    entry(4).join();
    for (const link of this.links.used) {
      const ids = Buffer.from(link, 'hex');
      entry(4).uint32(delimited(1)).bytes(ids.subarray(0, 16));
      writer.uint32(delimited(2)).bytes(ids.subarray(16)).join();
    }
    entry(6).join();
    for (const { key, value } of this.attributeList) {
      writeNumber(entry(6), varint(1), this.string(key));
      writeAnyValue(writer.uint32(delimited(2)).fork(), value);
      writer.join().join();
    }
    for (const text of this.strings.used) writer.uint32(delimited(5)).string(text);
  }

  private location(writer: BinaryWriter, place: number): void {
    const location = this.source.locations[place] as PprofLocation;
    writeNumber(writer, varint(1), this.mappings.of(location.mapping));
    writeUnsigned(writer, varint(2), location.address);
    for (const { function: entry, line, column } of location.lines) {
      writer.uint32(delimited(3)).fork();
      writeNumber(writer, varint(1), this.functions.of(entry));
      writeNumber(writer, varint(2), line);
      writeNumber(writer, varint(3), column);
      writer.join();
    }
    attributeIndices(writer, 4, [this.attribute(['profile.frame.type', this.frameType(location)])]);
    writer.join();
  }

  /** As OpenTelemetry's conventions call them. */
  private frameType({ mapping }: PprofLocation): string {
    if (mapping === undefined) return 'v8js';
    return this.source.mappings[mapping]?.file.startsWith('[kernel') ? 'kernel' : 'native';
  }

  private function(writer: BinaryWriter, place: number): void {
    const entry = this.source.functions[place];
    writeNumber(writer, varint(1), this.string(entry?.name ?? ''));
    writeNumber(writer, varint(2), this.string(entry?.systemName ?? ''));
    writeNumber(writer, varint(3), this.string(entry?.file ?? ''));
    writeNumber(writer, varint(4), entry?.startLine ?? 0);
    writer.join();
  }

  private mapping(writer: BinaryWriter, place: number | undefined): void {
    const mapping = place === undefined ? undefined : this.source.mappings[place];
    writeUnsigned(writer, varint(1), mapping?.memoryStart ?? 0);
    writeUnsigned(writer, varint(2), mapping?.memoryLimit ?? 0);
    writeUnsigned(writer, varint(3), mapping?.fileOffset ?? 0);
    writeNumber(writer, varint(4), this.string((mapping ?? JAVASCRIPT).file));
    if (mapping?.buildId) {
      attributeIndices(writer, 5, [this.attribute(['process.executable.build_id.gnu', mapping.buildId])]);
    }
    writer.join();
  }
}

/** Writes a field of numbers that point at attributes. */
export function attributeIndices(writer: BinaryWriter, field: number, indices: readonly number[]): void {
  if (indices.length === 0) return;
  writer.uint32(delimited(field)).fork();
  for (const index of indices) writer.uint32(index);
  writer.join();
}

/** Writes the fields of an `AnyValue`. */
export function writeAnyValue(writer: BinaryWriter, value: AttributeValue): void {
  if (typeof value === 'string') writer.uint32(delimited(1)).string(value);
  else writer.uint32(varint(3)).int64(value);
}
