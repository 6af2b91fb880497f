import { gzipSync } from 'node:zlib';
import { type LabelInput, ProfileBuilder } from '../inspector/builder';
import { IMPORT_LIMITS } from './limits';
import { NotImportable } from './not-importable';

/** One pprof that was made of a file, compressed with gzip. */
export interface Part {
  /** What kind it is before the first dot, as `wall.3.pprof`: no two of a file have the same. */
  name: string;
  data: Buffer;
}

export type Types = readonly (readonly [type: string, unit: string])[];

const SECOND = 1e9;
const MOST_PIECES = 60;
/** Ids in the stacks of one profile: the store takes 64 MiB in one. */
const MOST_IDS = 10_000_000;

/** A pprof as it is stored. */
export function packed(
  builder: ProfileBuilder,
  start: bigint,
  durationNanoseconds: number,
  period: number,
): Buffer {
  const profile = builder.finish(start, BigInt(durationNanoseconds), period, []);
  // What the store reads once needs no better compression.
  return gzipSync(profile.encode(), { level: 1 });
}

/** What a stretch of time on one stack is to become. */
export interface Stretch {
  /** Nanoseconds after the beginning, whole numbers. */
  from: number;
  to: number;
  labels: LabelInput;
  /** Ids of the locations in this builder, leaf first. */
  locate(builder: ProfileBuilder): number[];
  /** The values of so much of it; `isFirst` where that is where it begins, which is when a sample was taken. */
  values(nanoseconds: number, isFirst: boolean): number[];
}

/**
 * Samples one after the other in time, as profiles of a second or more each: the store finds a profile by its middle, so a range of an
 * imported file can be asked about as finely as one that was sent while the program ran.
 */
export class Pieces {
  private readonly length: number;
  private readonly count: number;
  private readonly parts: Part[] = [];
  private index = 0;
  private builder: ProfileBuilder;
  private samples = 0;
  /** In the stacks of this piece. */
  private ids = 0;

  /** `name` is without an ending. */
  constructor(
    private readonly name: string,
    private readonly types: Types,
    private readonly start: bigint,
    private readonly duration: number,
    most: number = MOST_PIECES,
  ) {
    this.count = Math.max(1, Math.min(most, Math.floor(duration / SECOND)));
    this.length = Math.ceil(duration / this.count);
    this.builder = new ProfileBuilder(types);
  }

  /** Adds a stretch that does not begin before the last one. It is cut where a piece ends. */
  add(stretch: Stretch): void {
    let { from } = stretch;
    this.moveTo(from);
    do {
      const to = this.index === this.count - 1 ? stretch.to : Math.min(stretch.to, this.ending);
      this.put(stretch, from, to);
      from = to;
      if (from < stretch.to) this.moveTo(from);
    } while (from < stretch.to);
  }

  /** All pieces that have something in them. */
  finish(): Part[] {
    this.close();
    return this.parts;
  }

  private get ending(): number {
    return Math.min(this.duration, (this.index + 1) * this.length);
  }

  private moveTo(time: number): void {
    while (time >= this.ending && this.index < this.count - 1) {
      this.close();
      this.index += 1;
    }
    if (this.ids > MOST_IDS) this.close();
  }

  private put({ locate, labels, values, from: beginning }: Stretch, from: number, to: number): void {
    this.samples += 1;
    if (this.samples > IMPORT_LIMITS.samples)
      throw new NotImportable(
        `it has more than ${IMPORT_LIMITS.samples.toLocaleString('en')} samples that differ from the one before: record a shorter time`,
      );
    const end: LabelInput = [...labels, ['end_timestamp_ns', this.start + BigInt(to)]];
    const ids = locate(this.builder);
    this.ids += ids.length;
    this.builder.add(ids, values(to - from, from === beginning), end);
  }

  private close(): void {
    if (this.builder.sampleCount === 0) return;
    const from = this.index * this.length;
    const data = packed(this.builder, this.start + BigInt(from), this.ending - from, 0);
    this.parts.push({ name: `${this.name}.${this.parts.length}.pprof`, data });
    this.builder = new ProfileBuilder(this.types);
    this.ids = 0;
  }
}
