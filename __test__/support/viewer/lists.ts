import { encodeProfile } from '../build-profile.js';
import { writeContainer } from './binary.js';
import type { GivenProfile } from './samples.js';
import { keyOf, type Selected, sum, typesOf, unitOf } from './selection.js';
import { TreeColumns } from './trees.js';

/** The answer of `/services`. */
export function servicesAnswer(all: readonly GivenProfile[]): unknown {
  const names = [...new Set(all.map(({ service }) => service))];
  return {
    services: names.map((name) => {
      const profiles = all.filter(({ service }) => service === name);
      return {
        name,
        from: Math.min(...profiles.map(({ from }) => from)),
        to: Math.max(...profiles.map(({ to }) => to)),
        profiles: profiles.length,
        instances: new Set(profiles.map(({ tags }) => tags.get('runtime-id'))).size,
        types: typesOf(profiles).map((type) => ({ name: type, unit: unitOf(type) })),
      };
    }),
  };
}

/** The answer of `/labels`. */
export function labelsAnswer({ type, unit, chosen }: Selected): unknown {
  const keys = new Map<string, { isTag: boolean; values: Map<string, number> }>();
  for (const { profile, sample, value } of chosen)
    for (const [labels, isTag] of [
      [profile.tags, true],
      [sample.labels, false],
    ] as const)
      for (const [key, text] of labels) {
        const known = keys.get(key) ?? { isTag, values: new Map<string, number>() };
        keys.set(key, known);
        known.values.set(text, (known.values.get(text) ?? 0) + value);
      }
  return {
    type,
    unit,
    total: sum(chosen),
    keys: [...keys].map(([key, { isTag, values }]) => ({
      key,
      isTag,
      values: [...values].map(([value, total]) => ({ value, total })).sort((a, b) => b.total - a.total),
      more: 0,
    })),
  };
}

/** The answer of `/series`; a profile is divided over the steps that it reaches over. */
export function seriesAnswer(
  { type, unit, from, to, chosen }: Selected,
  step: number,
  by: string | null,
): unknown {
  const first = Math.floor(from / step) * step;
  const steps = Math.ceil((to - first) / step);
  const series = new Map<string, number[]>();
  if (by === null) series.set('', new Array(steps).fill(0));
  for (const one of chosen) {
    const name = by === null ? '' : keyOf(one, by);
    const values = series.get(name) ?? new Array<number>(steps).fill(0);
    series.set(name, values);
    const { profile, value } = one;
    for (let index = 0; index < steps; index++) {
      const start = first + index * step;
      const overlap = Math.min(profile.to, start + step) - Math.max(profile.from, start);
      if (overlap > 0)
        values[index] = (values[index] as number) + (value * overlap) / (profile.to - profile.from);
    }
  }
  return { type, unit, from: first, step, series: [...series].map(([name, values]) => ({ name, values })) };
}

/** The answer of `/profiles`. */
export function profilesAnswer({ profiles }: Selected, limit: number): unknown {
  return {
    profiles: profiles.slice(0, limit).map(({ id, from, to, kind, tags, samples }) => ({
      id,
      from,
      to,
      kind,
      tags: Object.fromEntries(tags),
      samples: samples.length,
      types: typesOf([{ samples } as GivenProfile]).map((name) => ({
        name,
        unit: unitOf(name),
        total: sum(samples.map(({ values }) => ({ value: values.get(name) ?? 0 }))),
      })),
    })),
    more: Math.max(0, profiles.length - limit),
  };
}

/** The answer of `/timeline`. */
export function timelineAnswer({ from, to, chosen }: Selected): Buffer {
  const tree = new TreeColumns();
  const lanes = new Map<string, number>();
  const columns = {
    lane: [] as number[],
    node: [] as number[],
    end: [] as number[],
    wall: [] as number[],
    cpu: [] as number[],
  };
  const listed: { name: string; threadId: string; runtimeId: string; kind: string }[] = [];
  for (const { profile, sample } of chosen) {
    const name = sample.labels.get('thread name') ?? '';
    const runtimeId = profile.tags.get('runtime-id') ?? '';
    const key = `${runtimeId} ${name}`;
    if (!lanes.has(key)) {
      lanes.set(key, listed.length);
      listed.push({ name, runtimeId, threadId: sample.labels.get('thread id') ?? '', kind: 'thread' });
    }
    columns.lane.push(lanes.get(key) as number);
    columns.node.push(tree.add(sample.stack, 0));
    columns.end.push(profile.from + sample.end - from);
    columns.wall.push(sample.values.get('wall') ?? 0);
    columns.cpu.push(sample.values.get('cpu') ?? 0);
  }
  const heading = {
    unit: 'nanoseconds',
    from,
    to,
    omitted: 0,
    lanes: listed,
    frames: tree.frames.columns,
    labels: chosen.map(({ sample }) => Object.fromEntries(sample.labels)),
  };
  return writeContainer('EFL1', heading, [
    ['parent', tree.parent, 'u32'],
    ['frame', tree.frame, 'u32'],
    ['lane', columns.lane, 'u32'],
    ['node', columns.node, 'u32'],
    ['end', columns.end, 'f64'],
    ['wall', columns.wall, 'f64'],
    ['cpu', columns.cpu, 'f64'],
    ['label', chosen.map((_one, index) => index), 'u32'],
  ]);
}

/** The answer of `/pprof`: cpu and wall of the selected samples. */
export function pprofAnswer({ chosen }: Selected): Buffer {
  return encodeProfile(
    [
      ['cpu', 'nanoseconds'],
      ['wall', 'nanoseconds'],
    ],
    chosen.map(({ sample }) => ({
      values: [sample.values.get('cpu') ?? 0, sample.values.get('wall') ?? 0],
      stack: sample.stack.map(({ name, file, line }) => ({ name, file, line })),
    })),
  );
}
