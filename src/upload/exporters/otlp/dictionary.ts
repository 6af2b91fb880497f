import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { LabelSet, PprofFunction, PprofLocation, PprofMapping, PprofProfile } from '../../pprof/model';
import { Numbers } from '../../pprof/numbers';
import { delimited, varint } from '../../pprof/records';
import { isOfSpan, spanOf } from '../../pprof/span';
import { writeNumber, writeUnsigned } from '../../pprof/writing';
import type { Attribute, AttributeValue } from './attributes';

/** Stands for the mapping of JavaScript, which has none: some receivers take an index of zero for a defect. */
const JAVASCRIPT: PprofMapping = {
  memoryStart: 0,
  memoryLimit: 0,
  fileOffset: 0,
  file: 'JavaScript',
  buildId: '',
};

const STACK = delimited(7);
const STRING = delimited(5);

/**
 * The tables that the profiles of one request point into (`ProfilesDictionary` of opentelemetry.proto.profiles
 * .v1development). Entry zero of each is there and is the zero value, so the index of what the source has is its place plus
 * one, as in the source's stacks.
 */
export class Dictionary {
  private readonly strings = new Numbers<string>(0);
  private readonly stacks = new Numbers<number>(1);
  /** By key, length and value in one text. */
  private readonly attributes = new Numbers<string>(1);
  private readonly attributeList: Attribute[] = [];
  /** By trace and span in one text. */
  private readonly links = new Numbers<string>(1);

  constructor(private readonly source: PprofProfile) {
    this.strings.of('');
  }

  string(text: string): number {
    return this.strings.of(text);
  }

  /** A stack without frames is the zero value. */
  stack(place: number): number {
    return this.source.stacks[place]?.length ? this.stacks.of(place) : 0;
  }

  /** The fields of a `Sample` that its labels make: attributes, and a link to its span. */
  labelFields(set: LabelSet): Uint8Array {
    const writer = new BinaryWriter();
    const attributes = set
      .filter((label) => !isOfSpan(label))
      .map((label) =>
        this.attribute([label.key, 'text' in label ? label.text : BigInt.asIntN(64, label.number)]),
      );
    writeIndices(writer, 2, attributes);
    const { spanId, traceId } = spanOf(set);
    // A link has to have both ids; a trace that is not known is 16 bytes of zero.
    if (spanId) writer.uint32(varint(3)).uint32(this.links.of(`${traceId ?? '0'.repeat(32)}${spanId}`));
    return writer.finish();
  }

  /** Writes the fields of the message. Nothing may be looked up after that. */
  write(writer: BinaryWriter): void {
    const { source } = this;
    writer.uint32(STACK).fork().join();
    for (const place of this.stacks.used) {
      writer.uint32(STACK).fork();
      writer.uint32(delimited(1)).bytes(source.stacks[place] as Uint8Array);
      writer.join();
    }
    // Each table may name more of the next: attributes and texts are last.
    const table = <T>(field: number, entries: readonly T[], write: (entry: T) => void): void => {
      writer.uint32(delimited(field)).fork().join();
      for (const entry of entries) {
        writer.uint32(delimited(field)).fork();
        write(entry);
        writer.join();
      }
    };
    table(2, source.locations, (location) => this.location(writer, location));
    table(3, source.functions, (entry) => this.function(writer, entry));
    table(1, [...source.mappings, JAVASCRIPT], (mapping) => this.mapping(writer, mapping));
    table(4, this.links.used, (link) => {
      const ids = Buffer.from(link, 'hex');
      writer.uint32(delimited(1)).bytes(ids.subarray(0, 16));
      writer.uint32(delimited(2)).bytes(ids.subarray(16));
    });
    table(6, this.attributeList, ([key, value]) => {
      writeNumber(writer, varint(1), this.string(key));
      writeAnyValue(writer, 2, value);
    });
    for (const text of this.strings.used) writer.uint32(STRING).string(text);
  }

  private attribute([key, value]: Attribute): number {
    const identity = `${key.length}:${key}${typeof value === 'string' ? '=' : '#'}${value}`;
    const index = this.attributes.of(identity);
    if (index > this.attributeList.length) this.attributeList.push([key, value]);
    return index;
  }

  private location(writer: BinaryWriter, { mapping, address, lines }: PprofLocation): void {
    const { mappings } = this.source;
    writeNumber(writer, varint(1), (mapping ?? mappings.length) + 1);
    writeUnsigned(writer, varint(2), address);
    for (const { function: entry, line, column } of lines) {
      writer.uint32(delimited(3)).fork();
      writeNumber(writer, varint(1), entry + 1);
      writeNumber(writer, varint(2), line);
      writeNumber(writer, varint(3), column);
      writer.join();
    }
    writeIndices(writer, 4, [this.attribute(['profile.frame.type', this.frameType(mapping)])]);
  }

  /** As OpenTelemetry's conventions call them. */
  private frameType(mapping: number | undefined): string {
    if (mapping === undefined) return 'v8js';
    return this.source.mappings[mapping]?.file.startsWith('[kernel') ? 'kernel' : 'native';
  }

  private function(writer: BinaryWriter, { name, systemName, file, startLine }: PprofFunction): void {
    writeNumber(writer, varint(1), this.string(name));
    writeNumber(writer, varint(2), this.string(systemName));
    writeNumber(writer, varint(3), this.string(file));
    writeNumber(writer, varint(4), startLine);
  }

  private mapping(writer: BinaryWriter, mapping: PprofMapping): void {
    writeUnsigned(writer, varint(1), mapping.memoryStart);
    writeUnsigned(writer, varint(2), mapping.memoryLimit);
    writeUnsigned(writer, varint(3), mapping.fileOffset);
    writeNumber(writer, varint(4), this.string(mapping.file));
    if (mapping.buildId !== '') {
      writeIndices(writer, 5, [this.attribute(['process.executable.build_id.gnu', mapping.buildId])]);
    }
  }
}

/** Writes a field of numbers that point at attributes. */
function writeIndices(writer: BinaryWriter, field: number, indices: readonly number[]): void {
  if (indices.length === 0) return;
  writer.uint32(delimited(field)).fork();
  for (const index of indices) writer.uint32(index);
  writer.join();
}

/** Writes a field that is an `AnyValue`. */
export function writeAnyValue(writer: BinaryWriter, field: number, value: AttributeValue): void {
  writer.uint32(delimited(field)).fork();
  if (typeof value === 'string') writer.uint32(delimited(1)).string(value);
  else writer.uint32(varint(3)).int64(value);
  writer.join();
}
