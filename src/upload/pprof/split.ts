import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { AddedSample } from './add-up';
import type { LabelSet, PprofProfile } from './model';
import { PartSize } from './part-size';

/** What one profile may hold. */
export interface SplitLimits {
  /** Of the profile without compression. */
  bytes: number;
  samples: number;
}

/** Samples for one profile. */
export interface Part {
  samples: readonly AddedSample[];
  /** Places of the locations that they use; undefined where that need not be known. */
  locations?: number[];
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
): Part[] {
  if (samples.length === 0) return [];
  const whole = new PartSize(source, labelSets);
  for (const place of source.locations.keys()) whole.location(place);
  for (const sample of samples) whole.sample(sample);
  if (samples.length <= limits.samples && whole.bytes <= limits.bytes) return [{ samples }];
  return divide(source, samples, labelSets, limits);
}

function divide(
  source: PprofProfile,
  samples: readonly AddedSample[],
  labelSets: readonly LabelSet[],
  limits: SplitLimits,
): Part[] {
  const parts: Part[] = [];
  let part: AddedSample[] = [];
  let size = new PartSize(source, labelSets);
  const finish = (): void => {
    parts.push({ samples: part, locations: [...usedBy(source, part)] });
    part = [];
    size = new PartSize(source, labelSets);
  };
  const include = (sample: AddedSample): void => {
    size.sample(sample);
    for (const place of placesOf(source, sample)) size.location(place);
  };
  for (const sample of samples) {
    include(sample);
    if (part.length > 0 && (part.length >= limits.samples || size.bytes > limits.bytes)) {
      finish();
      include(sample);
    }
    part.push(sample);
  }
  finish();
  return parts;
}

function usedBy(source: PprofProfile, samples: readonly AddedSample[]): Set<number> {
  return new Set(samples.flatMap((sample) => placesOf(source, sample)));
}

function placesOf({ stacks }: PprofProfile, { stack }: AddedSample): number[] {
  const reader = new BinaryReader(stacks[stack] as Uint8Array);
  const places: number[] = [];
  while (reader.pos < reader.len) places.push(reader.uint32() - 1);
  return places;
}
