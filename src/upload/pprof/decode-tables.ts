import type { PprofFunction, PprofLine, PprofLocation, PprofMapping, Value, ValueType } from './model';
import { delimited, type Records, varint } from './records';

const TEXT = varint(1);
const UNIT = varint(2);
const ID = varint(1);

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
    const valueType: ValueType = { type: '', unit: '' };
    this.records.message((tag) => {
      if (tag === TEXT) valueType.type = this.text();
      else if (tag === UNIT) valueType.unit = this.text();
      else this.records.skip(tag);
    });
    return valueType;
  }

  mapping(index: number): PprofMapping {
    const { records } = this;
    const mapping: PprofMapping = { memoryStart: 0, memoryLimit: 0, fileOffset: 0, file: '', buildId: '' };
    records.message((tag) => {
      if (tag === ID) this.mappings.set(records.uint64(), index);
      else if (tag === varint(2)) mapping.memoryStart = records.uint64();
      else if (tag === varint(3)) mapping.memoryLimit = records.uint64();
      else if (tag === varint(4)) mapping.fileOffset = records.uint64();
      else if (tag === varint(5)) mapping.file = this.text();
      else if (tag === varint(6)) mapping.buildId = this.text();
      else records.skip(tag);
    });
    return mapping;
  }

  function(index: number): PprofFunction {
    const { records } = this;
    const entry: PprofFunction = { name: '', systemName: '', file: '', startLine: 0 };
    records.message((tag) => {
      if (tag === ID) this.functions.set(records.uint64(), index);
      else if (tag === varint(2)) entry.name = this.text();
      else if (tag === varint(3)) entry.systemName = this.text();
      else if (tag === varint(4)) entry.file = this.text();
      else if (tag === varint(5)) entry.startLine = Number(records.int64());
      else records.skip(tag);
    });
    return entry;
  }

  location(index: number): PprofLocation {
    const { records } = this;
    const location: PprofLocation = { mapping: undefined, address: 0, lines: [] };
    records.message((tag) => {
      if (tag === ID) this.locations.set(records.uint64(), index);
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
    const line: PprofLine = { function: -1, line: 0, column: 0 };
    records.message((tag) => {
      if (tag === varint(1)) line.function = this.functions.get(records.uint64());
      else if (tag === varint(2)) line.line = Number(records.int64());
      else if (tag === varint(3)) line.column = Number(records.int64());
      else records.skip(tag);
    });
    if (line.function < 0) throw new Error('a line in it has no function');
    return line;
  }
}

/** Where the record of each id stands. Ids are small numbers from all encoders but a few. */
class Places {
  /** Without gaps; zero is nobody's id. */
  private readonly small: number[] = [-1];
  private readonly others = new Map<Value, number>();

  constructor(private readonly kind: string) {}

  set(id: Value, place: number): void {
    if (typeof id === 'number' && id > 0 && id <= this.small.length) this.small[id] = place;
    else this.others.set(id, place);
  }

  get(id: Value): number {
    const place = (typeof id === 'number' && id > 0 ? this.small[id] : undefined) ?? this.others.get(id);
    if (place === undefined || id === 0) throw new Error(`it has no ${this.kind} ${id}`);
    return place;
  }
}
