import type { PprofFunction, PprofLine, PprofLocation, PprofMapping, Value, ValueType } from './model';
import { delimited, type Records, varint } from './records';

// Tags of the fields of all four kinds of records: profile.proto of google/pprof.
const FIRST = varint(1);
const SECOND = varint(2);
const THIRD = varint(3);
const FOURTH = varint(4);
const FIFTH = varint(5);
const SIXTH = varint(6);
const LINE = delimited(4);

/** Reads the tables that samples point at, from left to right: a method reads one record and needs the tables before it. */
export class TableReader {
  readonly locations = new Places('location');
  private readonly mappings = new Places('mapping');
  private readonly functions = new Places('function');
  private readonly strings: string[];

  /** `field` is that of the texts. */
  constructor(
    private readonly records: Records,
    field: number,
  ) {
    this.strings = records.each(field, () => records.reader.string());
    if (this.strings[0] !== '') throw new Error('its first string is not empty');
  }

  /** The text whose place comes next. */
  text(): string {
    const index = this.records.reader.uint32();
    const text = this.strings[index];
    if (text === undefined) throw new Error(`it has no string ${index}`);
    return text;
  }

  valueType(): ValueType {
    const { records } = this;
    const valueType: ValueType = { type: '', unit: '' };
    for (const end = records.end(); records.reader.pos < end; ) {
      const tag = records.reader.uint32();
      if (tag === FIRST) valueType.type = this.text();
      else if (tag === SECOND) valueType.unit = this.text();
      else records.skip(tag);
    }
    return valueType;
  }

  mapping(index: number): PprofMapping {
    const { records } = this;
    const mapping: PprofMapping = { memoryStart: 0, memoryLimit: 0, fileOffset: 0, file: '', buildId: '' };
    for (const end = records.end(); records.reader.pos < end; ) {
      const tag = records.reader.uint32();
      if (tag === FIRST) this.mappings.set(records.uint64(), index);
      else if (tag === SECOND) mapping.memoryStart = records.uint64();
      else if (tag === THIRD) mapping.memoryLimit = records.uint64();
      else if (tag === FOURTH) mapping.fileOffset = records.uint64();
      else if (tag === FIFTH) mapping.file = this.text();
      else if (tag === SIXTH) mapping.buildId = this.text();
      else records.skip(tag);
    }
    return mapping;
  }

  function(index: number): PprofFunction {
    const { records } = this;
    const entry: PprofFunction = { name: '', systemName: '', file: '', startLine: 0 };
    for (const end = records.end(); records.reader.pos < end; ) {
      const tag = records.reader.uint32();
      if (tag === FIRST) this.functions.set(records.uint64(), index);
      else if (tag === SECOND) entry.name = this.text();
      else if (tag === THIRD) entry.systemName = this.text();
      else if (tag === FOURTH) entry.file = this.text();
      else if (tag === FIFTH) entry.startLine = Number(records.int64());
      else records.skip(tag);
    }
    return entry;
  }

  location(index: number): PprofLocation {
    const { records } = this;
    const location: PprofLocation = { mapping: undefined, address: 0, lines: [] };
    for (const end = records.end(); records.reader.pos < end; ) {
      const tag = records.reader.uint32();
      if (tag === FIRST) this.locations.set(records.uint64(), index);
      else if (tag === SECOND) {
        const id = records.uint64();
        location.mapping = id === 0 ? undefined : this.mappings.get(id);
      } else if (tag === THIRD) location.address = records.uint64();
      else if (tag === LINE) location.lines.push(this.line());
      else records.skip(tag);
    }
    return location;
  }

  private line(): PprofLine {
    const { records } = this;
    const line: PprofLine = { function: -1, line: 0, column: 0 };
    for (const end = records.end(); records.reader.pos < end; ) {
      const tag = records.reader.uint32();
      if (tag === FIRST) line.function = this.functions.get(records.uint64());
      else if (tag === SECOND) line.line = Number(records.int64());
      else if (tag === THIRD) line.column = Number(records.int64());
      else records.skip(tag);
    }
    if (line.function < 0) throw new Error('a line in it has no function');
    return line;
  }
}

/** Where the record of each id stands. */
class Places {
  /** Whether each id is its place plus one, as most encoders give them. */
  inOrder = true;
  private readonly places = new Map<Value, number>();

  constructor(private readonly kind: string) {}

  set(id: Value, place: number): void {
    this.places.set(id, place);
    if (id !== place + 1) this.inOrder = false;
  }

  get(id: Value): number {
    const place = this.places.get(id);
    if (place === undefined || id === 0) throw new Error(`it has no ${this.kind} ${id}`);
    return place;
  }
}
