import { addUp, isZero } from '../../pprof/add-up';
import type { Relabelled } from '../../pprof/label-sets';
import type { PprofProfile, Value } from '../../pprof/model';

/** A sample of one kind of value. `times` are as many as `values`, or none. */
export interface OtlpSample {
  stack: number;
  labels: number;
  values: Value[];
  times: bigint[];
}

/** One value a stack and set of attributes: the total. All receivers understand it. */
export function totals(profile: PprofProfile, column: number, labels: Relabelled): OtlpSample[] {
  return addUp(profile, { columns: [column], labels }).map((sample) => ({ ...sample, times: [] }));
}

/**
 * Each value with its time, which is within the period: receivers refuse one that is not, and ours are rounded down. A sample
 * without a time is a total.
 */
export function timeline(
  profile: PprofProfile,
  column: number,
  labels: Relabelled,
  period: { start: bigint; end: bigint },
): OtlpSample[] {
  const setCount = labels.sets.length;
  const timed = new Map<number, OtlpSample>();
  for (const { stack, labels: set, values, endNanoseconds } of profile.samples) {
    const value = values[column] ?? 0;
    if (endNanoseconds === undefined || isZero(value)) continue;
    const place = labels.placeOf[set] ?? 0;
    const identity = stack * setCount + place;
    let sample = timed.get(identity);
    if (!sample) {
      sample = { stack, labels: place, values: [], times: [] };
      timed.set(identity, sample);
    }
    sample.values.push(value);
    sample.times.push(within(endNanoseconds, period));
  }
  const untimed = { ...profile, samples: profile.samples.filter((sample) => !sample.endNanoseconds) };
  return [...timed.values(), ...totals(untimed, column, labels)];
}

function within(time: bigint, { start, end }: { start: bigint; end: bigint }): bigint {
  if (time < start) return start;
  return time < end ? time : end - 1n;
}
