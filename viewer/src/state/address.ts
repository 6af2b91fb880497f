import { parseTransform, printTransform } from './transform-text.js';
import {
  COLOURS,
  COMPARE_LAYOUTS,
  COMPARE_UNITS,
  DEFAULT_VIEW,
  FRAME_SIZES,
  GRAPH_SHAPES,
  SORTS,
  type SourcePlace,
  type Span,
  TABS,
  type View,
  type Window,
} from './view.js';

const UNITS: [suffix: string, milliseconds: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];
/** Ten years: more than is ever kept, and not before 1970. */
const LONGEST = 3650 * 86_400_000;
/** The last instant of a Date (ECMA-262, "Time Values and Time Range"), which the collector takes. */
const LATEST = 8.64e15;

/** Stands for an empty list. */
const NO_STRIP = 'none';

/**
 * Reads a view from a query string. What is missing, or is not one of the values allowed, is as in {@link DEFAULT_VIEW}:
 * a link of another version still opens.
 */
export function parseView(query: string): View {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name) || undefined;
  const of = given.get('function');
  return {
    service: text('service'),
    type: text('type'),
    window: parseWindow(given),
    brush: parseSpan(given.get('brush')),
    live: given.get('live') === '1',
    where: unique(given.getAll('where').filter((condition) => /^!?[^:]+:/.test(condition))),
    strips: parseStrips(given.getAll('strip')),
    tab: oneOf(TABS, given.get('tab'), DEFAULT_VIEW.tab),
    shape: oneOf(GRAPH_SHAPES, given.get('shape'), DEFAULT_VIEW.shape),
    colour: oneOf(COLOURS, given.get('colour'), DEFAULT_VIEW.colour),
    frames: oneOf(FRAME_SIZES, given.get('frames'), DEFAULT_VIEW.frames),
    search: given.get('search') ?? '',
    transforms: given.getAll('transform').flatMap((text) => parseTransform(text) ?? []),
    fold: given.get('fold') !== '0',
    opened: unique(given.getAll('open').filter((key) => key !== '')),
    zoom: text('zoom'),
    selected: text('selected'),
    beside: given.get('beside') === '1',
    sort: oneOf(SORTS, given.get('sort'), DEFAULT_VIEW.sort),
    ascending: given.get('order') === 'ascending',
    of: of === null ? undefined : { name: of, file: given.get('file') ?? '' },
    source: parseSource(text('source'), given.get('line')),
    row: given.getAll('row'),
    by: text('by'),
    lanes: parseSpan(given.get('lanes')),
    comparison: {
      by: text('against') ?? DEFAULT_VIEW.comparison.by,
      before: parseDuration(given.get('before')) ?? DEFAULT_VIEW.comparison.before,
      a: given.get('a') ?? '',
      b: given.get('b') ?? '',
      layout: oneOf(COMPARE_LAYOUTS, given.get('layout'), DEFAULT_VIEW.comparison.layout),
      per: oneOf(COMPARE_UNITS, given.get('per'), DEFAULT_VIEW.comparison.per),
      safeColours: given.get('safe') === '1',
    },
  };
}

/** Writes a view as a query string, without what is as in {@link DEFAULT_VIEW}. */
export function printView(view: View): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | undefined, usual?: string) => {
    if (value !== undefined && value !== usual) query.append(name, value);
  };
  put('service', view.service);
  put('type', view.type);
  if ('last' in view.window) {
    if (view.window.last !== (DEFAULT_VIEW.window as { last: number }).last)
      put('last', printDuration(view.window.last));
  } else {
    put('from', String(view.window.from));
    put('to', String(view.window.to));
  }
  put('brush', view.brush && printSpan(view.brush));
  if (view.live) put('live', '1');
  for (const condition of view.where) put('where', condition);
  for (const strip of view.strips?.length === 0 ? [NO_STRIP] : (view.strips ?? [])) put('strip', strip);
  put('tab', view.tab, DEFAULT_VIEW.tab);
  put('shape', view.shape, DEFAULT_VIEW.shape);
  put('colour', view.colour, DEFAULT_VIEW.colour);
  put('frames', view.frames, DEFAULT_VIEW.frames);
  put('search', view.search, '');
  for (const transform of view.transforms) put('transform', printTransform(transform));
  if (!view.fold) put('fold', '0');
  for (const key of view.opened) put('open', key);
  put('zoom', view.zoom);
  put('selected', view.selected);
  if (view.beside) put('beside', '1');
  put('sort', view.sort, DEFAULT_VIEW.sort);
  if (view.ascending) put('order', 'ascending');
  if (view.of) {
    put('function', view.of.name);
    put('file', view.of.file, '');
  }
  if (view.source) {
    put('source', view.source.file);
    put('line', String(view.source.line), '0');
  }
  for (const name of view.row) put('row', name);
  put('by', view.by);
  put('lanes', view.lanes && printSpan(view.lanes));
  put('against', view.comparison.by, DEFAULT_VIEW.comparison.by);
  if (view.comparison.before !== DEFAULT_VIEW.comparison.before)
    put('before', printDuration(view.comparison.before));
  put('a', view.comparison.a, '');
  put('b', view.comparison.b, '');
  put('layout', view.comparison.layout, DEFAULT_VIEW.comparison.layout);
  put('per', view.comparison.per, DEFAULT_VIEW.comparison.per);
  if (view.comparison.safeColours) put('safe', '1');
  return query.toString();
}

/** Nothing is the usual, which is not none. */
function parseStrips(given: string[]): string[] | undefined {
  const named = unique(given.filter((strip) => strip !== '' && strip !== NO_STRIP));
  return named.length > 0 || given.includes(NO_STRIP) ? named : undefined;
}

function parseWindow(given: URLSearchParams): Window {
  const span = parseSpan(`${given.get('from')}..${given.get('to')}`);
  const last = parseDuration(given.get('last'));
  return span ?? (last ? { last } : DEFAULT_VIEW.window);
}

function parseSource(file: string | undefined, line: string | null): SourcePlace | undefined {
  return file === undefined ? undefined : { file, line: /^\d{1,9}$/.test(line ?? '') ? Number(line) : 0 };
}

function parseSpan(text: string | null): Span | undefined {
  const [, from, to] = text?.match(/^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)$/) ?? [];
  const span = { from: Number(from), to: Number(to) };
  return Number.isFinite(span.from) && span.to > span.from && span.to <= LATEST ? span : undefined;
}

function printSpan({ from, to }: Span): string {
  return `${from}..${to}`;
}

function parseDuration(text: string | null): number | undefined {
  const [, count, suffix] = text?.match(/^(\d+)(ms|[dhms])$/) ?? [];
  const unit = UNITS.find(([name]) => name === suffix);
  if (!unit) return undefined;
  const duration = Number(count) * unit[1];
  return Number.isSafeInteger(duration) ? Math.min(duration, LONGEST) : undefined;
}

function printDuration(duration: number): string {
  const [suffix, unit] = UNITS.find(([, milliseconds]) => duration % milliseconds === 0) as [string, number];
  return `${duration / unit}${suffix}`;
}

function oneOf<Value extends string>(
  allowed: readonly Value[],
  text: string | null,
  otherwise: Value,
): Value {
  return allowed.find((value) => value === text) ?? otherwise;
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)];
}
