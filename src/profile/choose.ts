import { EverflameError } from '../engine';
import type { LoadedProfile, LoadedSample } from './model';

/** One sample with the one value that is looked at. */
export interface ValuedSample {
  sample: LoadedSample;
  value: number;
}

/** The samples of several files by one kind of value. */
export interface Selection {
  type: string;
  unit: string;
  /** Sum over all samples. */
  total: number;
  /** Sums of the values above zero and of those below: the latter are in the difference of two profiles. */
  gained: number;
  lost: number;
  samples: ValuedSample[];
}

/**
 * Takes one kind of value out of profiles and puts their samples together. Without a wish it is the first
 * kind that all files have: CPU time, wall time, then as the first file lists them. Throws an EverflameError where a file
 * lacks the kind or counts it in another unit, and where the files have no kind in common.
 */
export function selectValues(profiles: LoadedProfile[], wish: string | undefined): Selection {
  const type = wish ?? defaultType(profiles);
  const samples: ValuedSample[] = [];
  let unit = '';
  for (const profile of profiles) {
    const index = profile.types.findIndex((candidate) => candidate.type === type);
    if (index < 0) {
      const known = profile.types.map((candidate) => candidate.type).join(', ');
      throw new EverflameError(
        'NO_SUCH_TYPE',
        `${profile.path} has no values of type "${type}"; it has ${known}`,
      );
    }
    const own = profile.types[index]?.unit ?? '';
    if (profile !== profiles[0] && own !== unit) {
      throw new EverflameError(
        'DIFFERENT_UNITS',
        `${profile.path} has "${type}" in ${own || 'no unit'} and ${profiles[0]?.path} in ${unit || 'no unit'}: they cannot be added. Name files of one kind, or another --type`,
      );
    }
    unit = own;
    for (const sample of profile.samples) {
      const value = sample.values[index] ?? 0;
      if (value !== 0) samples.push({ sample, value });
    }
  }
  const sum = (values: ValuedSample[]): number => values.reduce((before, { value }) => before + value, 0);
  const [gained, lost] = [
    samples.filter(({ value }) => value > 0),
    samples.filter(({ value }) => value < 0),
  ].map(sum) as [number, number];
  return { type, unit, total: gained + lost, gained, lost, samples };
}

function defaultType(profiles: LoadedProfile[]): string {
  const inAll = (type: string): boolean =>
    profiles.every((profile) => profile.types.some((candidate) => candidate.type === type));
  const own = (profile: LoadedProfile): string[] => profile.types.map(({ type }) => type);
  const type = ['cpu', 'wall', ...profiles.slice(0, 1).flatMap(own)].find(inAll);
  if (type !== undefined) return type;
  const lists = profiles.map((profile) => `${profile.path} has ${own(profile).join(', ')}`);
  throw new EverflameError(
    'NO_COMMON_TYPE',
    `no kind of value is in all files: ${lists.join('; ')}. Name files of one kind`,
  );
}
