import { FolderStore } from '../collector/native-store';
import { servicesOf } from '../collector/services';
import { parsed } from '../collector/store';
import { EverflameError } from '../engine';
import { selectValues } from '../profile/choose';
import { readProfile } from '../profile/read';
import { DEFAULT_ROWS, groupings, isGrouping, type Row, tabulate } from '../profile/table';
import { alignColumns, type Column } from './columns';
import { formatShare, formatValue } from './format';
import { locationText, nameColumns } from './name-columns';
import { noSuchKey } from './no-such-key';
import { type StoreOptions, storeToRead } from './open-store';
import { type SelectionOptions, selectionOf, timeText } from './select';
import { visible } from './visible';

/** More than the store has rows. */
const ALL_ROWS = 2 ** 32 - 1;
/** By another name in the store, where it is the key of a label. */
const THREAD = 'thread name';

export interface TopOptions extends SelectionOptions, StoreOptions {
  by: string;
  /** Without one a table has the first rows, and JSON all. */
  limit?: number;
  json?: boolean;
}

/** A table, and what of. */
interface Top {
  /** What stands first in JSON. */
  source: object;
  /** For the heading. */
  of: string;
  type: string;
  unit: string;
  total: number;
  /** Sums of the values above zero and of those below: the latter are in the difference of two profiles. */
  gained: number;
  lost: number;
  rows: Row[];
  /** Rows that are left out. */
  more: number;
  /** Whether what runs below a row is told apart from what runs in it. */
  hasSelf: boolean;
}

/**
 * The text that `everflame top` prints: of files, or without one of the store. `columns` is the width of the terminal it is for;
 * undefined where it is for none, so that places stay whole. Throws an EverflameError where there is no answer.
 */
export async function top(
  files: string[],
  options: TopOptions,
  columns?: number,
  now = Date.now(),
): Promise<string> {
  const table = files.length > 0 ? ofFiles(files, options) : await ofStore(options, now);
  const { source, type, unit, total, rows, more } = table;
  if (!options.json) return textOf(table, options.by, columns);
  const rest = files.length > 0 ? {} : { more };
  return JSON.stringify({ ...source, type, unit, total, by: options.by, rows, ...rest }, undefined, 2);
}

function ofFiles(files: string[], options: TopOptions): Top {
  const { by, json, limit } = options;
  refuseStoreOptions(options);
  if (!isGrouping(by)) {
    throw new EverflameError(
      'BAD_QUERY',
      `--by ${JSON.stringify(by)} is not for files: give ${groupings.join(', ')}. The store knows labels too: leave out the files`,
    );
  }
  const selection = selectValues(files.map(readProfile), options.type);
  const all = tabulate(selection, by);
  const rows = all.slice(0, limit ?? (json ? all.length : DEFAULT_ROWS));
  const of = `in ${files.length === 1 ? '1 file' : `${files.length} files`}`;
  return { ...selection, source: { files }, of, rows, more: all.length - rows.length, hasSelf: true };
}

function refuseStoreOptions(options: TopOptions): void {
  const names = ['service', 'from', 'to', 'last', 'where', 'inbox', 'store'] as const;
  const given = names.find((name) => (options[name]?.length ?? 0) > 0);
  if (given) {
    throw new EverflameError(
      'BAD_QUERY',
      `--${given} is about the store, and files are named: leave it out, or the files`,
    );
  }
}

interface StoredTable {
  type: string;
  unit: string;
  total: number;
  rows: { name: string; file: string; line: number; kind: string; self: number; total: number }[];
  more: number;
}

async function ofStore(options: TopOptions, now: number): Promise<Top> {
  const { by, json, limit = json ? ALL_ROWS : DEFAULT_ROWS } = options;
  const store = FolderStore.read(storeToRead(options));
  try {
    const services = await servicesOf(store);
    const selection = selectionOf(services, options, now);
    const { service, from, to } = selection;
    const key = by === 'thread' ? THREAD : by;
    const { type, unit, total, rows, more } = await parsed<StoredTable>(
      store.table(selection, { by: key, limit }),
    );
    return {
      source: { service, from, to },
      of: `of ${visible(service)}, ${timeText(from)} to ${timeText(to)}`,
      type,
      unit,
      total,
      gained: total,
      lost: 0,
      rows: rows.map(({ name, file, line, self, total: all }) => ({
        name,
        location: by === 'file' ? '' : locationText(file, line),
        self,
        total: all,
      })),
      more,
      hasSelf: isGrouping(by) && by !== 'thread',
    };
  } finally {
    await store.close();
  }
}

function textOf(table: Top, by: string, columns: number | undefined): string {
  const { of, type, unit, total, gained, lost, rows, more, hasSelf } = table;
  const parts = lost < 0 ? ` (+${formatValue(gained, unit)} ${formatValue(lost, unit)})` : '';
  const heading = `${visible(type)}: ${formatValue(total, unit)}${parts} ${of}, by ${visible(by)}`;
  // Of a difference, what was gained and lost may add up to nothing.
  const whole = gained - lost;
  if (rows.length === 0) return [heading, '', 'no samples'].join('\n');
  const figures = [
    ...(hasSelf ? figureColumns('self', rows, unit, whole) : []),
    ...figureColumns('total', rows, unit, whole),
  ];
  const lines = alignColumns([...figures, ...nameColumns(visible(by), rows, figures, columns)]);
  const [rest, object] = more === 1 ? ['row', 'it'] : ['rows', 'them'];
  const hidden = more > 0 ? ['', `${more} more ${rest}; --limit ${rows.length + more} shows ${object}.`] : [];
  const slip = hasSelf ? [] : noSuchKey(rows, by);
  return [heading, '', ...lines, ...slip, ...hidden].join('\n');
}

function figureColumns(figure: 'self' | 'total', rows: Row[], unit: string, whole: number): Column[] {
  return [
    { title: figure, align: 'right', cells: rows.map((row) => formatValue(row[figure], unit)) },
    { title: '', align: 'right', cells: rows.map((row) => formatShare(row[figure], whole)) },
  ];
}
