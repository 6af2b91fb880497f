import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile, Value } from './model';

/** What one profile may hold. */
export interface SplitLimits {
  /** Of the profile without compression. */
  bytes: number;
  samples: number;
}

/**
 * Divides samples so that none of the profiles made of them is above a limit. Sums stay as they are, as each sample is in one
 * of the parts. The same samples are always divided in the same way. A sample that is too large on its own is a part.
 *
 * Sizes are upper bounds, so that nothing has to be encoded twice.
 */
export function split(
  source: PprofProfile,
  samples: readonly AddedSample[],
  labelSets: readonly LabelSet[],
  limits: SplitLimits,
): AddedSample[][] {
  const parts: AddedSample[][] = [];
  let part: AddedSample[] = [];
  let size = new PartSize(source);
  for (const sample of samples) {
    const labels = labelSets[sample.labels] ?? [];
    size.include(sample, labels);
    if (part.length > 0 && (part.length >= limits.samples || size.bytes > limits.bytes)) {
      parts.push(part);
      part = [];
      size = new PartSize(source);
      size.include(sample, labels);
    }
    part.push(sample);
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** Most bytes of an id or a place in a table: none of a profile within its limits is above 2^21. */
const ID = 3;
/** Most bytes of a field's tag with the length of what follows. */
const HEAD = 1 + 4;
/** What a profile has besides samples and tables: types, times and their names. */
const FRAME = 1024;

/** Most bytes that a profile of the included samples can have. */
class PartSize {
  bytes = FRAME;
  /** By place: whether it is counted. */
  private readonly stacks: Uint8Array;
  private readonly locations: Uint8Array;
  private readonly functions: Uint8Array;
  private readonly mappings: Uint8Array;
  private readonly texts = new Set<string>();

  constructor(private readonly source: PprofProfile) {
    this.stacks = new Uint8Array(source.stacks.length);
    this.locations = new Uint8Array(source.locations.length);
    this.functions = new Uint8Array(source.functions.length);
    this.mappings = new Uint8Array(source.mappings.length);
  }

  include(sample: AddedSample, labels: LabelSet): void {
    const stack = this.source.stacks[sample.stack] ?? [];
    this.bytes += 3 * HEAD + ID * stack.length;
    for (const value of sample.values) this.bytes += numberSize(value);
    for (const label of labels) {
      this.bytes += HEAD + 1 + ID + 1;
      this.text(label.key);
      if ('text' in label) {
        this.bytes += ID;
        this.text(label.text);
      } else this.bytes += numberSize(label.number);
    }
    if (isCounted(this.stacks, sample.stack)) return;
    for (const location of stack) {
      if (!isCounted(this.locations, location)) this.location(location);
    }
  }

  private location(place: number): void {
    const location = this.source.locations[place];
    if (!location) return;
    this.bytes += HEAD + 2 * (1 + ID) + 1 + numberSize(location.address);
    if (location.mapping !== undefined) this.mapping(location.mapping);
    for (const { function: entry, line, column } of location.lines) {
      this.bytes += HEAD + 1 + ID + 1 + numberSize(line) + 1 + numberSize(column);
      this.function(entry);
    }
  }

  private function(place: number): void {
    const entry = this.source.functions[place];
    if (!entry || isCounted(this.functions, place)) return;
    this.bytes += HEAD + 4 * (1 + ID) + 1 + numberSize(entry.startLine);
    for (const text of [entry.name, entry.systemName, entry.file]) this.text(text);
  }

  private mapping(place: number): void {
    const mapping = this.source.mappings[place];
    if (!mapping || isCounted(this.mappings, place)) return;
    this.bytes += HEAD + 3 * (1 + ID) + 2;
    for (const address of [mapping.memoryStart, mapping.memoryLimit, mapping.fileOffset]) {
      this.bytes += 1 + numberSize(address);
    }
    for (const text of [mapping.file, mapping.buildId]) this.text(text);
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
