import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile } from './model';

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

/** Most bytes of an id or a place in a table, of any other number, and of a field's tag with a message's length. */
const ID = 4;
const NUMBER = 10;
const HEAD = 6;
/** What a profile has besides samples and tables: types, times and their names. */
const FRAME = 1024;

/** Most bytes that a profile of the included samples can have. */
class PartSize {
  bytes = FRAME;
  private readonly stacks = new Set<number>();
  private readonly locations = new Set<number>();
  private readonly functions = new Set<number>();
  private readonly mappings = new Set<number>();
  private readonly texts = new Set<string>();

  constructor(private readonly source: PprofProfile) {}

  include(sample: AddedSample, labels: LabelSet): void {
    const stack = this.source.stacks[sample.stack] ?? [];
    this.bytes += 3 * HEAD + ID * stack.length + NUMBER * sample.values.length;
    for (const label of labels) {
      this.bytes += HEAD + 2 * (1 + ID) + NUMBER;
      this.text(label.key);
      if ('text' in label) this.text(label.text);
    }
    if (this.isKnown(this.stacks, sample.stack)) return;
    for (const location of stack) this.location(location);
  }

  private location(place: number): void {
    const location = this.source.locations[place];
    if (!location || this.isKnown(this.locations, place)) return;
    this.bytes += HEAD + 2 * (1 + ID) + 1 + NUMBER;
    if (location.mapping !== undefined) this.mapping(location.mapping);
    for (const line of location.lines) {
      this.bytes += HEAD + 1 + ID + 2 * (1 + NUMBER);
      this.function(line.function);
    }
  }

  private function(place: number): void {
    const entry = this.source.functions[place];
    if (!entry || this.isKnown(this.functions, place)) return;
    this.bytes += HEAD + 4 * (1 + ID) + 1 + NUMBER;
    for (const text of [entry.name, entry.systemName, entry.file]) this.text(text);
  }

  private mapping(place: number): void {
    const mapping = this.source.mappings[place];
    if (!mapping || this.isKnown(this.mappings, place)) return;
    this.bytes += HEAD + 3 * (1 + ID) + 3 * (1 + NUMBER) + 2;
    for (const text of [mapping.file, mapping.buildId]) this.text(text);
  }

  private text(text: string): void {
    if (!this.isKnown(this.texts, text)) this.bytes += HEAD + Buffer.byteLength(text);
  }

  private isKnown<T>(set: Set<T>, item: T): boolean {
    if (set.has(item)) return true;
    set.add(item);
    return false;
  }
}
