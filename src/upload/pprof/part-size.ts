import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile, Value } from './model';

/** Most bytes of an id or a place in a table: none of a profile within its limits is above 2^21. */
const ID = 3;
/** Most bytes of a field's tag with the length of what follows. */
const HEAD = 1 + 4;
/** What a profile has besides samples and tables: types, times and their names. */
const FRAME = 1024;

/** Most bytes that a profile of some samples and locations can have, without compression. */
export class PartSize {
  bytes = FRAME;
  /** By place: whether it is counted. */
  private readonly locations: Uint8Array;
  private readonly functions: Uint8Array;
  private readonly mappings: Uint8Array;
  private readonly texts = new Set<string>();
  /** Size of each label set that is counted, without its texts. */
  private readonly labels = new Map<number, number>();

  constructor(
    private readonly source: PprofProfile,
    private readonly labelSets: readonly LabelSet[],
  ) {
    this.locations = new Uint8Array(source.locations.length);
    this.functions = new Uint8Array(source.functions.length);
    this.mappings = new Uint8Array(source.mappings.length);
  }

  /** Adds a sample, without its locations. */
  sample({ stack, values, labels }: AddedSample): void {
    this.bytes += 3 * HEAD + (this.source.stacks[stack]?.length ?? 0) + this.labelSize(labels);
    for (const value of values) this.bytes += numberSize(value);
  }

  /** Adds a location with all that it points at. Each counts once. */
  location(place: number): void {
    const location = this.source.locations[place];
    if (!location || isCounted(this.locations, place)) return;
    this.bytes += HEAD + 2 * (1 + ID) + 1 + numberSize(location.address);
    if (location.mapping !== undefined) this.mapping(location.mapping);
    for (const { function: entry, line, column } of location.lines) {
      this.bytes += HEAD + 1 + ID + 1 + numberSize(line) + 1 + numberSize(column);
      this.function(entry);
    }
  }

  private labelSize(place: number): number {
    const known = this.labels.get(place);
    if (known !== undefined) return known;
    let size = 0;
    for (const label of this.labelSets[place] ?? []) {
      this.text(label.key);
      size += HEAD + 1 + ID + 1;
      if ('text' in label) {
        this.text(label.text);
        size += ID;
      } else size += numberSize(label.number);
    }
    this.labels.set(place, size);
    return size;
  }

  private function(place: number): void {
    const entry = this.source.functions[place];
    if (!entry || isCounted(this.functions, place)) return;
    this.bytes += HEAD + 4 * (1 + ID) + 1 + numberSize(entry.startLine);
    this.text(entry.name);
    this.text(entry.systemName);
    this.text(entry.file);
  }

  private mapping(place: number): void {
    const mapping = this.source.mappings[place];
    if (!mapping || isCounted(this.mappings, place)) return;
    this.bytes += HEAD + 3 * (1 + ID) + 2;
    for (const address of [mapping.memoryStart, mapping.memoryLimit, mapping.fileOffset]) {
      this.bytes += 1 + numberSize(address);
    }
    this.text(mapping.file);
    this.text(mapping.buildId);
  }

  private text(text: string): void {
    if (this.texts.has(text)) return;
    this.texts.add(text);
    this.bytes += HEAD + Buffer.byteLength(text);
  }
}

/** Whether a place is counted; from now on it is. */
function isCounted(places: Uint8Array, place: number): boolean {
  if (places[place] === 1) return true;
  places[place] = 1;
  return false;
}

/** Bytes of a number in protobuf: seven bits each. */
function numberSize(value: Value): number {
  if (typeof value !== 'number' || value < 0) return 10;
  let size = 1;
  for (let rest = value; rest >= 128; rest /= 128) size++;
  return size;
}
