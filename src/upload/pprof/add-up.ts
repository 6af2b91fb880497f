import type { Relabelled } from './label-sets';
import { add, type PprofProfile, type PprofSample, type Value } from './model';

/** A sample as it is sent: `labels` is a place in the label sets that it was added up with. */
export interface AddedSample {
  stack: number;
  labels: number;
  values: Value[];
}

/** What to add up. */
export interface Addition {
  /** Places of the values to keep, in the order in which they are to be. */
  columns: readonly number[];
  labels: Relabelled;
  /** Which samples to keep; all where left out. */
  only?: (sample: PprofSample) => boolean;
}

/**
 * Adds up samples that have the same stack and, after relabelling, the same labels. The sum of each kind of value stays as
 * it is; samples of nothing but zeros are left out.
 */
export function addUp(profile: PprofProfile, { columns, labels, only }: Addition): AddedSample[] {
  const setCount = labels.sets.length;
  const added = new Map<number, AddedSample>();
  for (const sample of profile.samples) {
    if (only && !only(sample)) continue;
    const set = labels.placeOf[sample.labels] ?? 0;
    const identity = sample.stack * setCount + set;
    const known = added.get(identity);
    if (known) addTo(known.values, sample.values, columns);
    else {
      const values = columns.map((column) => sample.values[column] ?? 0);
      if (!values.every(isZero)) added.set(identity, { stack: sample.stack, labels: set, values });
    }
  }
  return [...added.values()];
}

function addTo(sums: Value[], values: readonly Value[], columns: readonly number[]): void {
  for (let index = 0; index < sums.length; index++) {
    sums[index] = add(sums[index] ?? 0, values[columns[index] ?? -1] ?? 0);
  }
}

/** Zero of either kind of number. */
export function isZero(value: Value): boolean {
  return value === 0 || value === 0n;
}
