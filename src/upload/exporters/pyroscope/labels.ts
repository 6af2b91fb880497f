import { type Relabelled, relabel } from '../../pprof/label-sets';
import type { Label, LabelSet, PprofProfile } from '../../pprof/model';
import { isOfSpan, spanOf } from '../../pprof/span';
import type { Identity } from '../../upload';

/** A label of a series. */
export type SeriesLabel = readonly [name: string, value: string];

/** Pyroscope's own limits, as they are where nobody has changed them: names in a series, bytes of a name and of a value. */
const MOST_NAMES = 30;
const MOST_NAME_BYTES = 1024;
const MOST_VALUE_BYTES = 2048;
/** So many names are kept for labels of samples, and `__name__`, whatever tags a program has. */
const NAMES_OF_SAMPLES = 9;

/** Each value of a label of samples is a series, of which a tenant has 5,000. */
const MOST_VALUES = 100;
/** What stands for the values beyond, those with the fewest samples. */
const OTHER = 'other';

/**
 * A name that each release of Pyroscope takes: letters, digits and `_`, no digit first. Two underscores at the start are its
 * own.
 */
function labelName(key: string): string {
  const name = key
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/^_+/, '_')
    .slice(0, MOST_NAME_BYTES - 1);
  return /^\d|^$/.test(name) ? `_${name}` : name;
}

function labelValue(text: string): string {
  if (text.length * 3 <= MOST_VALUE_BYTES) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MOST_VALUE_BYTES));
  return text.slice(0, read);
}

/** The labels that all series of a process have, each name once, without `__name__`. */
export function processLabels(identity: Identity, applicationName: string | undefined): SeriesLabel[] {
  const labels = new Map<string, string>();
  const put = (name: string, value: string | undefined): void => {
    if (value && !labels.has(name) && labels.size < MOST_NAMES - NAMES_OF_SAMPLES) {
      labels.set(name, labelValue(value));
    }
  };
  put('service_name', applicationName || identity.service);
  // By this Pyroscope's page says which language it is.
  put('pyroscope_spy', 'nodespy');
  put('env', identity.env);
  put('version', identity.version);
  put('host', identity.host);
  put('function_name', identity.functionName);
  // The page's view of sources looks for these two.
  put('service_git_ref', identity.gitCommitSha);
  put('service_repository', identity.gitRepositoryUrl);
  for (const [key, value] of identity.tags) {
    const name = labelName(key);
    if (!OF_SPANS.has(name)) put(name, value);
  }
  return [...labels];
}

/** Labels that would make a series of every thread, request or error message. */
const DROPPED = new Set(['thread id', 'os thread id', 'async id', 'local root span id', 'exception message']);
/** The names that Pyroscope takes for a span and not for a label of a series. */
const OF_SPANS = new Set(['span_id', 'trace_id', 'profile_id']);
/** Names of our own labels there, in order of importance: where there are too many, these are kept. */
const NAMES = new Map([
  ['thread name', 'thread_name'],
  ['trace endpoint', 'endpoint'],
  ['exception type', 'exception_type'],
  ['lock name', 'lock_name'],
]);

/**
 * The labels of samples as Pyroscope takes them: numbers dropped but for a span, names made valid, no name that the series
 * has itself, and of each only so many values.
 */
export function sampleLabels(profile: PprofProfile, series: readonly SeriesLabel[]): Relabelled {
  const taken = new Set(series.map(([name]) => name));
  const weights = samplesBySet(profile);
  const found = profile.labelSets.map((set) => rename(set, taken));
  const usage = new Map<string, Map<string, number>>();
  found.forEach((labels, place) => {
    for (const [name, text] of labels) {
      const values = usage.get(name) ?? new Map<string, number>();
      values.set(text, (values.get(text) ?? 0) + (weights[place] ?? 0));
      usage.set(name, values);
    }
  });
  const kept = new Map(
    [...usage]
      .sort(([a], [b]) => rank(a) - rank(b))
      .slice(0, MOST_NAMES - 1 - taken.size)
      .map(([name, values]) => [name, mostUsed(values)]),
  );
  const labelsOf = new Map(profile.labelSets.map((set, place) => [set, found[place] ?? new Map()]));
  return relabel(profile.labelSets, (set) => [
    ...spanLabels(set),
    ...[...(labelsOf.get(set) ?? [])].flatMap(([name, text]): Label[] => {
      const values = kept.get(name);
      return values ? [{ key: name, text: values.has(text) ? text : OTHER }] : [];
    }),
  ]);
}

function rename(set: LabelSet, taken: ReadonlySet<string>): Map<string, string> {
  const labels = new Map<string, string>();
  for (const label of set) {
    if (!('text' in label) || DROPPED.has(label.key) || isOfSpan(label)) continue;
    const name = NAMES.get(label.key) ?? labelName(label.key);
    // Two keys may have become one name: the first one is it.
    if (!taken.has(name) && !OF_SPANS.has(name) && !labels.has(name))
      labels.set(name, labelValue(label.text));
  }
  return labels;
}

function rank(name: string): number {
  const place = [...NAMES.values()].indexOf(name);
  return place < 0 ? NAMES.size : place;
}

function mostUsed(values: Map<string, number>): Set<string> {
  const ranked = [...values].sort(([, a], [, b]) => b - a);
  return new Set(ranked.slice(0, MOST_VALUES).map(([text]) => text));
}

function samplesBySet(profile: PprofProfile): number[] {
  const weights = profile.labelSets.map(() => 0);
  for (const { labels } of profile.samples) weights[labels] = (weights[labels] ?? 0) + 1;
  return weights;
}

function spanLabels(set: LabelSet): Label[] {
  const { spanId, traceId } = spanOf(set);
  return [
    ...(spanId ? [{ key: 'span_id', text: spanId }] : []),
    ...(traceId ? [{ key: 'trace_id', text: traceId }] : []),
  ];
}
