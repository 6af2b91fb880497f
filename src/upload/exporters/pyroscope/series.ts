import { isZero } from '../../pprof/add-up';
import type { PprofProfile, PprofSample, ValueType } from '../../pprof/model';

/** One profile type as Pyroscope stores it: `name` is its `__name__`. */
export interface Series {
  name: string;
  /** Places of the values in the profile, in the order of `types`. */
  columns: number[];
  types: ValueType[];
  periodType: ValueType;
  /** Which samples are part of it; all where left out. */
  only?: (sample: PprofSample) => boolean;
}

interface Rule {
  name: string;
  /** Our type, and its type and unit in Pyroscope. */
  values: [ours: string, type: string, unit: string][];
  /** Whether the number of samples goes with it. */
  counted?: boolean;
  periodType: ValueType;
  /** Only samples in which the first value is not zero. */
  sparse?: boolean;
}

const nanoseconds = (type: string): ValueType => ({ type, unit: 'nanoseconds' });
const count = (type: string): ValueType => ({ type, unit: 'count' });

/**
 * A profile type of Pyroscope is `name:type:unit:period type:period unit`; those of other languages' profilers are used where
 * there are any, as its page knows them by name.
 */
const RULES: Rule[] = [
  {
    name: 'wall',
    values: [['wall', 'wall', 'nanoseconds']],
    counted: true,
    periodType: nanoseconds('wall'),
  },
  {
    name: 'process_cpu',
    values: [['cpu', 'cpu', 'nanoseconds']],
    counted: true,
    periodType: nanoseconds('cpu'),
    // A sample of a waiting thread is none of the CPU's.
    sparse: true,
  },
  {
    name: 'memory',
    values: [
      ['inuse_objects', 'inuse_objects', 'count'],
      ['inuse_space', 'inuse_space', 'bytes'],
      ['alloc_objects', 'alloc_objects', 'count'],
      ['alloc_space', 'alloc_space', 'bytes'],
    ],
    periodType: { type: 'space', unit: 'bytes' },
  },
  {
    name: 'exception',
    values: [['exception-samples', 'exception', 'count']],
    // Its page knows `exception:exception:count:cpu:nanoseconds`, of a profiler that has all types in one profile.
    periodType: nanoseconds('cpu'),
  },
  {
    name: 'mutex',
    values: [
      ['lock-acquire', 'contentions', 'count'],
      ['lock-acquire-wait', 'delay', 'nanoseconds'],
    ],
    periodType: count('contentions'),
  },
  {
    name: 'lock_hold',
    values: [
      ['lock-release', 'lock_hold_count', 'count'],
      ['lock-release-hold', 'lock_hold_time', 'nanoseconds'],
    ],
    periodType: count('lock_hold_count'),
  },
];

/** The number of samples, which goes with other values. */
const SAMPLE = 'sample';
/** Durations of events with their times, which Pyroscope does not keep: without them they are no profile. */
const NOT_SENT = new Set(['timeline']);

/** What a profile is to Pyroscope. Types that have no name there yet are sent together, under that of the first. */
export function seriesOf(profile: PprofProfile): Series[] {
  const places = new Map(profile.types.map(({ type }, place) => [type, place]));
  const unknown = new Set([...places.keys()].filter((type) => !NOT_SENT.has(type)));
  const found = RULES.flatMap((rule) => {
    const values = rule.values.filter(([ours]) => places.has(ours));
    if (values.length === 0) return [];
    if (rule.counted && places.has(SAMPLE)) values.push([SAMPLE, 'samples', 'count']);
    for (const [ours] of values) unknown.delete(ours);
    return [toSeries(rule, values, places)];
  });
  return unknown.size === 0 ? found : [...found, remainder(profile, [...unknown])];
}

function toSeries(rule: Rule, values: Rule['values'], places: Map<string, number>): Series {
  const columns = values.map(([ours]) => places.get(ours) as number);
  const [lead = 0] = columns;
  return {
    name: rule.name,
    columns,
    types: values.map(([, type, unit]) => ({ type, unit })),
    periodType: rule.periodType,
    ...(rule.sparse && { only: (sample: PprofSample) => !isZero(sample.values[lead] ?? 0) }),
  };
}

function remainder(profile: PprofProfile, unknown: string[]): Series {
  const columns = profile.types.flatMap(({ type }, place) => (unknown.includes(type) ? [place] : []));
  const types = columns.map((column) => plain(profile.types[column] as ValueType));
  const [first] = types as [ValueType];
  return { name: first.type, columns, types, periodType: first };
}

/** A profile with a dash in the name of a type is refused. */
function plain({ type, unit }: ValueType): ValueType {
  return { type: type === SAMPLE ? 'samples' : type.replace(/[^A-Za-z0-9_]/g, '_'), unit };
}
