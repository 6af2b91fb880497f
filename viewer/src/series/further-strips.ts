import type { Metrics, Series } from '../api/answers.js';
import { formatShare, formatValue } from '../format/value.js';
import type { FurtherStrip, Span } from '../state/view.js';
import { levelsOf } from './levels.js';
import type { StripData } from './strip.js';

const TITLES: Record<FurtherStrip, string> = {
  'loop-delay': 'Event-loop delay',
  'loop-use': 'Event-loop use',
  memory: 'Memory',
  'gc-cpu': 'GC time',
};

/** What a strip that is no kind of value is called; undefined for other names. */
export function furtherTitle(name: string): string | undefined {
  return Object.hasOwn(TITLES, name) ? TITLES[name as FurtherStrip] : undefined;
}

/** What the strip shows of the event loop or of memory; undefined where nothing is told of it. */
export function metricStrip(
  name: Exclude<FurtherStrip, 'gc-cpu'>,
  { from, step, processes, ignored, metrics }: Metrics,
): StripData | undefined {
  const valuesOf = (metric: string) => metrics.find((one) => one.name === metric)?.series[0]?.max;
  const line = (metric: string, label: string) => {
    const values = valuesOf(metric);
    return values ? [{ name: label, values }] : [];
  };
  const lines = {
    'loop-delay': () => line('delay', ''),
    'loop-use': () => line('active', ''),
    memory: () => [...line('heap', 'heap'), ...line('rss', 'RSS')],
  }[name]();
  if (lines.length === 0) return undefined;
  const isOfSeveral = processes > 1;
  const of = {
    'loop-delay': 'longest',
    'loop-use': isOfSeveral ? 'busiest process' : 'busy share of time',
    memory: `${lines.map(({ name: own }) => own).join(', ')}${isOfSeveral ? ', largest process' : ''}`,
  }[name];
  const format = {
    'loop-delay': (value: number) => formatValue(value, 'nanoseconds'),
    'loop-use': (value: number) => formatShare(value, 1),
    memory: (value: number) => formatValue(value, 'bytes'),
  }[name];
  return {
    title: TITLES[name],
    from,
    step,
    lines,
    unit: '',
    // Conditions on samples leave processes as they are.
    of: ignored.length > 0 ? `${of}; not filtered` : of,
    isBytes: name === 'memory',
    format,
  };
}

/**
 * What the strip shows of the garbage collector's CPU time; undefined where there is none.
 * @param kinds CPU time by kind
 */
export function collectorStrip(kinds: Series, known: Span): StripData | undefined {
  const collector = kinds.series.find(({ name }) => name === 'gc');
  if (!collector) return undefined;
  const { from, step, series } = kinds;
  const all = collector.values.map((_value, index) =>
    series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  return {
    title: TITLES['gc-cpu'],
    from,
    step,
    lines: [{ name: '', values: levelsOf({ ...kinds, series: [collector] }, known) }],
    // As cores most would be nought.
    unit: 'a second',
    format: (value) => formatValue(value, 'nanoseconds'),
    note: (index) => `(${formatShare(collector.values[index] ?? 0, all[index] ?? 0)})`,
  };
}
