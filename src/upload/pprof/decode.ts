import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf } from '../../log';
import { LabelSets } from './label-sets';
import type {
  Label,
  PprofFunction,
  PprofLine,
  PprofLocation,
  PprofMapping,
  PprofProfile,
  PprofSample,
  Value,
  ValueType,
} from './model';
import { delimited, Records, varint } from './records';

const decompress = promisify(gunzip);

/** Most bytes of a profile, decompressed: a sampler at its memory cap makes a tenth of it. */
const MOST_BYTES = 256 * 1024 * 1024;

/** The label that says when a sample ended; here it is a field of the sample. */
const END_TIMESTAMP = 'end_timestamp_ns';

/** Reads a profile.proto, compressed with gzip or plain. Throws an error with its name where it is none. */
export async function decodeProfile(name: string, data: Buffer): Promise<PprofProfile> {
  try {
    const isGzip = data[0] === 0x1f && data[1] === 0x8b;
    const plain = isGzip ? await decompress(data, { maxOutputLength: MOST_BYTES }) : data;
    return new Decoder(plain).decode();
  } catch (error) {
    throw new Error(`${name} is not a profile: ${messageOf(error)}`, { cause: error });
  }
}

/** Field numbers of `Profile` (profile.proto of google/pprof). */
const field = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  string: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
} as const;

const STACK = delimited(1);
const VALUES = delimited(2);
const LABEL = delimited(3);
const LABEL_KEY = varint(1);
const LABEL_TEXT = varint(2);
const LABEL_NUMBER = varint(3);

/** Reads one profile: texts first, then what points at them, then the samples, which point at all. */
class Decoder {
  private readonly records: Records;
  private readonly strings: string[];
  private readonly mappings = new Places('mapping');
  private readonly functions = new Places('function');
  private readonly locations = new Places('location');
  private readonly stackOfBytes = new Map<string, number>();
  private readonly stacks: number[][] = [];
  private readonly labelSets = new LabelSets();

  constructor(private readonly data: Buffer) {
    this.records = new Records(data);
    this.strings = this.records.each(field.string, () => this.records.reader.string());
    if (this.strings[0] !== '') throw new Error('its first string is not empty');
  }

  decode(): PprofProfile {
    const { records } = this;
    const types = records.each(field.sampleType, () => this.valueType());
    const mappings = records.each(field.mapping, (index) => this.mapping(index));
    const functions = records.each(field.function, (index) => this.function(index));
    const locations = records.each(field.location, (index) => this.location(index));
    const samples = records.each(field.sample, () => this.sample(types.length));
    return {
      types,
      samples,
      stacks: this.stacks,
      labelSets: this.labelSets.sets,
      locations,
      functions,
      mappings,
      start: BigInt(records.number(field.timeNanos)),
      durationNanoseconds: BigInt(records.number(field.durationNanos)),
      periodType: records.each(field.periodType, () => this.valueType())[0],
      period: records.number(field.period),
    };
  }

  private text(): string {
    const index = this.records.reader.uint32();
    const text = this.strings[index];
    if (text === undefined) throw new Error(`it has no string ${index}`);
    return text;
  }

  private valueType(): ValueType {
    const valueType: ValueType = { type: '', unit: '' };
    this.records.message((tag) => {
      if (tag === varint(1)) valueType.type = this.text();
      else if (tag === varint(2)) valueType.unit = this.text();
      else this.records.skip(tag);
    });
    return valueType;
  }

  private mapping(index: number): PprofMapping {
    const { records } = this;
    const mapping: PprofMapping = { memoryStart: 0, memoryLimit: 0, fileOffset: 0, file: '', buildId: '' };
    records.message((tag) => {
      if (tag === varint(1)) this.mappings.set(records.uint64(), index);
      else if (tag === varint(2)) mapping.memoryStart = records.uint64();
      else if (tag === varint(3)) mapping.memoryLimit = records.uint64();
      else if (tag === varint(4)) mapping.fileOffset = records.uint64();
      else if (tag === varint(5)) mapping.file = this.text();
      else if (tag === varint(6)) mapping.buildId = this.text();
      else records.skip(tag);
    });
    return mapping;
  }

  private function(index: number): PprofFunction {
    const { records } = this;
    const entry = { name: '', systemName: '', file: '', startLine: 0 };
    records.message((tag) => {
      if (tag === varint(1)) this.functions.set(records.uint64(), index);
      else if (tag === varint(2)) entry.name = this.text();
      else if (tag === varint(3)) entry.systemName = this.text();
      else if (tag === varint(4)) entry.file = this.text();
      else if (tag === varint(5)) entry.startLine = Number(records.int64());
      else records.skip(tag);
    });
    return entry;
  }

  private location(index: number): PprofLocation {
    const { records } = this;
    const location: PprofLocation = { mapping: undefined, address: 0, lines: [] };
    records.message((tag) => {
      if (tag === varint(1)) this.locations.set(records.uint64(), index);
      else if (tag === varint(2)) {
        const id = records.uint64();
        location.mapping = id === 0 ? undefined : this.mappings.get(id);
      } else if (tag === varint(3)) location.address = records.uint64();
      else if (tag === delimited(4)) location.lines.push(this.line());
      else records.skip(tag);
    });
    return location;
  }

  private line(): PprofLine {
    const { records } = this;
    const line = { function: -1, line: 0, column: 0 };
    records.message((tag) => {
      if (tag === varint(1)) line.function = this.functions.get(records.uint64());
      else if (tag === varint(2)) line.line = Number(records.int64());
      else if (tag === varint(3)) line.column = Number(records.int64());
      else records.skip(tag);
    });
    if (line.function < 0) throw new Error('a line in it has no function');
    return line;
  }

  /** The many records: with loops of their own, as a function for each would cost more than what it reads. */
  private sample(typeCount: number): PprofSample {
    const { records } = this;
    const { reader } = records;
    const sample: PprofSample = { stack: -1, labels: 0, values: [] };
    const labels: Label[] = [];
    const end = records.end();
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === STACK) sample.stack = this.stack(sample.stack);
      else if (tag === VALUES) this.readValues(sample.values);
      else if (tag === LABEL) this.readLabel(sample, labels);
      // Each encoder packs them; ids one by one would be taken for none.
      else if (tag === varint(1) || tag === varint(2)) throw new Error('its lists are not packed');
      else records.skip(tag);
    }
    if (sample.values.length !== typeCount) {
      throw new Error(`a sample has ${sample.values.length} values instead of ${typeCount}`);
    }
    if (sample.stack < 0) sample.stack = this.internStack(0, 0);
    sample.labels = this.labelSets.intern(labels);
    return sample;
  }

  private stack(known: number): number {
    if (known >= 0) throw new Error('a sample has two stacks');
    const { records } = this;
    const end = records.end();
    const stack = this.internStack(records.reader.pos, end);
    records.reader.pos = end;
    return stack;
  }

  /** Equal stacks are equal bytes, which are compared faster than numbers and need not be read again. */
  private internStack(start: number, end: number): number {
    const bytes = this.data.toString('latin1', start, end);
    const known = this.stackOfBytes.get(bytes);
    if (known !== undefined) return known;
    const { reader } = this.records;
    const stack: number[] = [];
    while (start < end && reader.pos < end) stack.push(this.locations.get(this.records.uint64()));
    const index = this.stacks.push(stack) - 1;
    this.stackOfBytes.set(bytes, index);
    return index;
  }

  private readValues(values: Value[]): void {
    const { records } = this;
    const end = records.end();
    while (records.reader.pos < end) values.push(records.int64());
  }

  private readLabel(sample: PprofSample, labels: Label[]): void {
    const { records } = this;
    const { reader } = records;
    let key = '';
    let text = '';
    let number: Value = 0;
    const end = records.end();
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === LABEL_KEY) key = this.text();
      else if (tag === LABEL_TEXT) text = this.text();
      else if (tag === LABEL_NUMBER) number = records.int64();
      else records.skip(tag);
    }
    if (key === END_TIMESTAMP) sample.endNanoseconds = BigInt(number);
    else labels.push(text === '' ? { key, number: BigInt.asUintN(64, BigInt(number)) } : { key, text });
  }
}

/** Where the record of each id stands. Ids are small numbers from all encoders but a few. */
class Places {
  /** Without gaps; zero is nobody's id. */
  private readonly small: number[] = [-1];
  private readonly others = new Map<Value, number>();

  constructor(private readonly kind: string) {}

  set(id: Value, place: number): void {
    if (typeof id === 'number' && id <= this.small.length) this.small[id] = place;
    else this.others.set(id, place);
  }

  get(id: Value): number {
    const place = (typeof id === 'number' ? this.small[id] : undefined) ?? this.others.get(id);
    if (place === undefined || place < 0) throw new Error(`it has no ${this.kind} ${id}`);
    return place;
  }
}
