import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { TableReader } from './decode-tables';
import { LabelSets } from './label-sets';
import type { Label, PprofSample, Value } from './model';
import { delimited, type Records, varint } from './records';

/** The label that says when a sample ended; here it is a field of the sample. */
const END_TIMESTAMP = 'end_timestamp_ns';

const STACK = delimited(1);
const VALUES = delimited(2);
const LABEL = delimited(3);
const ONE_PLACE = varint(1);
const ONE_VALUE = varint(2);
const LABEL_KEY = varint(1);
const LABEL_TEXT = varint(2);
const LABEL_NUMBER = varint(3);

/** Reads samples, of which there are many: what is equal is kept once. */
export class SampleReader {
  readonly stacks: Uint8Array[] = [];
  readonly labelSets = new LabelSets();
  private readonly stackOfBytes = new Map<string, number>();

  constructor(
    private readonly data: Buffer,
    private readonly records: Records,
    private readonly tables: TableReader,
    private readonly typeCount: number,
  ) {}

  sample(): PprofSample {
    const { records, typeCount } = this;
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
      else if (tag === ONE_PLACE || tag === ONE_VALUE) throw new Error('its lists are not packed');
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

  /** Equal stacks are equal bytes, which are compared faster than numbers and need not be read. */
  private internStack(start: number, end: number): number {
    const bytes = this.data.toString('latin1', start, end);
    const known = this.stackOfBytes.get(bytes);
    if (known !== undefined) return known;
    const stack = this.data.subarray(start, end);
    const place = this.stacks.push(this.tables.locations.inOrder ? stack : this.inOrder(start, end)) - 1;
    this.stackOfBytes.set(bytes, place);
    return place;
  }

  private inOrder(start: number, end: number): Uint8Array {
    const { records, tables } = this;
    const writer = new BinaryWriter();
    while (start < end && records.reader.pos < end) {
      writer.uint32(tables.locations.get(records.uint64()) + 1);
    }
    return writer.finish();
  }

  private readValues(values: Value[]): void {
    const { records } = this;
    const end = records.end();
    while (records.reader.pos < end) values.push(records.int64());
  }

  private readLabel(sample: PprofSample, labels: Label[]): void {
    const { records, tables } = this;
    const { reader } = records;
    let key = '';
    let text = '';
    let number: Value = 0;
    const end = records.end();
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === LABEL_KEY) key = tables.text();
      else if (tag === LABEL_TEXT) text = tables.text();
      else if (tag === LABEL_NUMBER) number = records.int64();
      else records.skip(tag);
    }
    if (key === END_TIMESTAMP) sample.endNanoseconds = BigInt(number);
    else labels.push(text === '' ? { key, number: BigInt.asUintN(64, BigInt(number)) } : { key, text });
  }
}
