import { FolderStore } from '../collector/native-store';
import { type Service, servicesOf } from '../collector/services';
import { parsed, type Selection } from '../collector/store';
import { findInsights } from '../insights/insights';
import { alignColumns, type Column } from './columns';
import { formatShare, formatValue } from './format';
import { insightLines } from './insights-lines';
import { type Metrics, metricLines } from './metric-lines';
import { noSuchKey } from './no-such-key';
import { type StoreOptions, storeToRead } from './open-store';
import { type Question, refuseUnused } from './questions';
import { type SelectionOptions, selectionOf, timeText } from './select';
import { visible } from './visible';

const ROWS = 30;
/** Points of a series that nobody has named a step for. */
const POINTS = 20;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface QueryOptions extends SelectionOptions, StoreOptions {
  by?: string;
  limit?: number;
  /** Seconds. */
  step?: number;
  json?: boolean;
}

/** Of every answer about samples. */
interface Valued {
  type: string;
  unit: string;
}

interface Labels extends Valued {
  total: number;
  keys: { key: string; isTag: boolean; values: { value: string; total: number }[]; more: number }[];
}

interface Table extends Valued {
  total: number;
  rows: { name: string; file: string; line: number; kind: string; self: number; total: number }[];
  more: number;
}

interface Series extends Valued {
  from: number;
  step: number;
  series: { name: string; values: number[] }[];
}

interface Profiles {
  profiles: {
    from: number;
    to: number;
    kind: string;
    types: { name: string; unit: string; total: number }[];
    tags: Record<string, string>;
    samples: number;
  }[];
  more: number;
}

/** The text that `everflame query` prints. Throws an EverflameError where there is no answer. */
export async function query(question: Question, options: QueryOptions, now = Date.now()): Promise<string> {
  refuseUnused(question, options);
  const store = FolderStore.read(storeToRead(options));
  try {
    const answer = await ask(store, question, options, now);
    return options.json ? JSON.stringify(answer.json, undefined, 2) : answer.lines().join('\n');
  } finally {
    await store.close();
  }
}

interface Answer {
  json: unknown;
  lines(): string[];
}

async function ask(
  store: FolderStore,
  question: Question,
  options: QueryOptions,
  now: number,
): Promise<Answer> {
  const services = await servicesOf(store);
  if (question === 'services') return { json: { services }, lines: () => serviceLines(services) };
  const selection = selectionOf(services, options, now);
  const limit = options.limit ?? ROWS;
  switch (question) {
    case 'labels': {
      const labels = await parsed<Labels>(store.labels(selection));
      return { json: labels, lines: () => labelLines(labels, limit) };
    }
    case 'table': {
      const table = await parsed<Table>(store.table(selection, { by: options.by ?? 'function', limit }));
      return { json: table, lines: () => tableLines(table, options.by ?? 'function') };
    }
    case 'series': {
      const steps = stepsOf(selection, options, MINUTE);
      const series = await parsed<Series>(store.series(selection, { ...steps, limit }));
      return { json: series, lines: () => seriesLines(series) };
    }
    case 'insights': {
      const insights = await findInsights(store, selection);
      return { json: insights, lines: () => insightLines(insights) };
    }
    case 'metrics': {
      const steps = stepsOf(selection, options, SECOND);
      const metrics = await parsed<Metrics>(store.metrics(selection, { ...steps, limit }));
      return { json: metrics, lines: () => metricLines(metrics) };
    }
    case 'profiles': {
      const profiles = await parsed<Profiles>(store.profiles(selection, { limit }));
      return { json: profiles, lines: () => profileLines(profiles) };
    }
  }
}

/** How a range is divided: by itself into whole seconds, of which none is shorter than `least` milliseconds. */
function stepsOf(
  { from, to }: Selection,
  { step, by }: QueryOptions,
  least: number,
): { step: number; by?: string } {
  const usual = Math.max(least, Math.ceil((to - from) / POINTS / SECOND) * SECOND);
  return { step: step === undefined ? usual : step * SECOND, ...(by === undefined ? {} : { by }) };
}

function column(title: string, cells: string[], align: Column['align'] = 'left'): Column {
  return { title, align, cells };
}

function serviceLines(services: Service[]): string[] {
  if (services.length === 0) return ['no profiles yet'];
  return alignColumns([
    column(
      'service',
      services.map(({ name }) => visible(name)),
    ),
    column(
      'profiles',
      services.map(({ profiles }) => String(profiles)),
      'right',
    ),
    column(
      'processes',
      services.map(({ instances }) => String(instances)),
      'right',
    ),
    column(
      'from',
      services.map(({ from }) => timeText(from)),
    ),
    column(
      'to',
      services.map(({ to }) => timeText(to)),
    ),
    column(
      'types',
      services.map(({ types }) => types.map(({ name }) => visible(name)).join(', ')),
    ),
  ]);
}

function labelLines({ keys, total, type, unit }: Labels, limit: number): string[] {
  const rows = keys.flatMap(({ key, values }) =>
    values.slice(0, limit).map(({ value, total: own }) => ({ key, value, own })),
  );
  return [
    heading(type, total, unit),
    '',
    ...alignColumns([
      column(
        'total',
        rows.map(({ own }) => formatValue(own, unit)),
        'right',
      ),
      column(
        '',
        rows.map(({ own }) => formatShare(own, total)),
        'right',
      ),
      column(
        'key',
        rows.map(({ key }) => visible(key)),
      ),
      column(
        'value',
        rows.map(({ value }) => visible(value)),
      ),
    ]),
  ];
}

function tableLines({ rows, total, type, unit, more }: Table, by: string): string[] {
  if (rows.length === 0) return [heading(type, total, unit), '', 'no samples'];
  const figures = (title: string, pick: (row: Table['rows'][number]) => number): Column[] => [
    column(
      title,
      rows.map((row) => formatValue(pick(row), unit)),
      'right',
    ),
    column(
      '',
      rows.map((row) => formatShare(pick(row), total)),
      'right',
    ),
  ];
  const names = column(
    visible(by),
    rows.map(({ name }) => visible(name)),
  );
  // A value of a label is no frame: nothing runs below it, and it is nowhere.
  const isKeyed = rows.every(({ kind }) => kind === 'group');
  const lines = isKeyed
    ? alignColumns([...figures('total', (row) => row.total), names])
    : alignColumns([
        ...figures('self', (row) => row.self),
        ...figures('total', (row) => row.total),
        names,
        column(
          'where',
          rows.map(({ file, line }) => visible(file && line > 0 ? `${file}:${line}` : file)),
        ),
      ]);
  const rest = more === 0 ? [] : ['', `${more} more; --limit ${rows.length + more} shows all.`];
  return [heading(type, total, unit), '', ...lines, ...(isKeyed ? noSuchKey(rows, by) : []), ...rest];
}

function seriesLines({ series, from, step, type, unit }: Series): string[] {
  const steps = Math.max(0, ...series.map(({ values }) => values.length));
  const total = series.reduce((sum, { values }) => values.reduce((all, value) => all + value, sum), 0);
  return [
    heading(type, Math.round(total), unit),
    '',
    ...alignColumns([
      column(
        'from',
        Array.from({ length: steps }, (_, index) => timeText(from + index * step)),
      ),
      ...series.map(({ name, values }) =>
        column(
          visible(name) || type,
          values.map((value) => formatValue(Math.round(value), unit)),
          'right',
        ),
      ),
    ]),
  ];
}

function profileLines({ profiles, more }: Profiles): string[] {
  if (profiles.length === 0) return ['no profiles in this range'];
  const lines = alignColumns([
    column(
      'from',
      profiles.map(({ from }) => timeText(from)),
    ),
    column(
      'seconds',
      profiles.map(({ from, to }) => ((to - from) / 1000).toFixed(1)),
      'right',
    ),
    column(
      'samples',
      profiles.map(({ samples }) => String(samples)),
      'right',
    ),
    column(
      'kind',
      profiles.map(({ kind }) => visible(kind)),
    ),
    column(
      'process',
      profiles.map(({ tags }) => visible(tags.process_id ?? tags.file ?? '')),
    ),
    column(
      'values',
      profiles.map(({ types }) =>
        types.map(({ name, unit, total }) => `${visible(name)} ${formatValue(total, unit)}`).join(', '),
      ),
    ),
  ]);
  return more === 0 ? lines : [...lines, '', `${more} more; --limit ${profiles.length + more} shows all.`];
}

function heading(type: string, total: number, unit: string): string {
  return `${visible(type)}: ${formatValue(total, unit)}`;
}
