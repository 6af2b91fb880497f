import type { GivenProfile } from './samples.js';

/** What a process of the fixture tells of itself: a number for each second of its profile. */
export interface GivenMetrics {
  /** Nanoseconds. */
  delay: number[];
  /** 0 to 1. */
  active: number[];
  /** Bytes. */
  heap: number[];
  rss: number[];
}

const MS = 1e6;
export const MIB = 2 ** 20;

/** Of a process: in version 1.5.0 its loop is held up once a minute, and its heap grows with each second. */
export function metricsOf(version: string, load: number): GivenMetrics {
  const seconds = Array.from({ length: 60 }, (_, second) => second);
  const isSlow = version === '1.5.0';
  return {
    delay: seconds.map((second) => (isSlow && second === 30 ? 90 : 2 + (second % 4)) * load * MS),
    active: seconds.map((second) => (0.2 + (second % 10) / 100) * load),
    heap: seconds.map((second) => (40 + second / 4) * load * MIB),
    rss: seconds.map((second) => (100 + second / 2) * load * MIB),
  };
}

interface Line {
  max: (number | null)[];
  mean: (number | null)[];
}

/** The answer of `/metrics`: conditions are for tags, and each step has the largest that was told of it. */
export function metricsAnswer(all: readonly GivenProfile[], query: URLSearchParams): unknown {
  const [from, to, step] = ['from', 'to', 'step'].map((name) => Number(query.get(name))) as [
    number,
    number,
    number,
  ];
  const ofService = all.filter(({ service }) => service === query.get('service'));
  const conditions = query.getAll('where').map((text) => {
    const negated = text.startsWith('!');
    const [key, value] = text.slice(Number(negated)).split(/:(.*)/s) as [string, string];
    return { key, value, negated };
  });
  const isTag = (key: string) => ofService.some(({ tags }) => tags.has(key));
  const chosen = ofService.filter(({ tags }) =>
    conditions.every(({ key, value, negated }) => !isTag(key) || (tags.get(key) === value) !== negated),
  );
  const processes = new Map<string, GivenProfile[]>();
  for (const profile of chosen.filter(({ metrics }) => metrics)) {
    const id = profile.tags.get('runtime-id') ?? '';
    processes.set(id, [...(processes.get(id) ?? []), profile]);
  }
  const steps = Math.ceil((to - from) / step);
  const line = (name: keyof GivenMetrics): Line => {
    const cells = Array.from({ length: steps }, (): number[] => []);
    for (const profiles of processes.values()) {
      const own = new Map<number, number>();
      for (const { from: start, metrics } of profiles)
        metrics?.[name].forEach((value, second) => {
          const at = start + second * 1000 + 500;
          if (at < from || at >= to) return;
          const place = Math.floor((at - from) / step);
          own.set(place, Math.max(own.get(place) ?? 0, value));
        });
      for (const [place, value] of own) cells[place]?.push(value);
    }
    return {
      max: cells.map((values) => (values.length > 0 ? Math.max(...values) : null)),
      mean: cells.map((values) =>
        values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null,
      ),
    };
  };
  const told = (['delay', 'active', 'heap', 'rss'] as const).flatMap((name) => {
    const { max, mean } = line(name);
    const unit = { delay: 'nanoseconds', active: 'ratio', heap: 'bytes', rss: 'bytes' }[name];
    const series = [{ name: '', max, ...(name === 'delay' ? {} : { mean }) }];
    return max.some((value) => value !== null) ? [{ name, unit, series }] : [];
  });
  const ignored = [...new Set(conditions.map(({ key }) => key).filter((key) => !isTag(key)))];
  return { from, step, processes: processes.size, ignored, damaged: 0, metrics: told };
}
