import { relative } from 'node:path';
import { selectValues } from '../profile/choose';
import { readProfile } from '../profile/read';
import { type Grouping, type Row, tabulate } from '../profile/table';
import { alignColumns } from './columns';
import { formatShare, formatValue, shorten } from './format';

const NAME_WIDTH = 60;
/** Of a name that is longer, its last part stays as well: the method of a class, the file of a path. */
const NAME_END = 29;

export interface TopOptions {
  by: Grouping;
  type?: string;
  limit: number;
  json?: boolean;
}

/** The text that `everflame top` prints. Throws an EverflameError where a file cannot be used. */
export function top(files: string[], options: TopOptions): string {
  const selection = selectValues(files.map(readProfile), options.type);
  const all = tabulate(selection, options.by);
  const rows = all.slice(0, options.limit);
  const { type, unit, total } = selection;
  if (options.json) return JSON.stringify({ files, type, unit, total, by: options.by, rows }, undefined, 2);
  const fileCount = files.length === 1 ? '1 file' : `${files.length} files`;
  const heading = `${type}: ${formatValue(total, unit)} in ${fileCount}, by ${options.by}`;
  const columns = alignColumns([
    { title: 'self', align: 'right', cells: rows.map((row) => formatValue(row.self, unit)) },
    { title: '', align: 'right', cells: rows.map((row) => formatShare(row.self, total)) },
    { title: 'total', align: 'right', cells: rows.map((row) => formatValue(row.total, unit)) },
    { title: '', align: 'right', cells: rows.map((row) => formatShare(row.total, total)) },
    { title: options.by, align: 'left', cells: rows.map((row) => shorten(row.name, NAME_WIDTH, NAME_END)) },
    { title: hasPlaces(rows) ? 'where' : '', align: 'left', cells: rows.map((row) => place(row.location)) },
  ]);
  const hidden = all.length - rows.length;
  const more = hidden > 0 ? ['', `${hidden} more rows; --limit ${all.length} shows them.`] : [];
  return [heading, '', ...columns, ...more].join('\n');
}

function hasPlaces(rows: Row[]): boolean {
  return rows.some((row) => row.location !== '');
}

/** A place as short as it stays clear: from the package on, or from the working directory. */
function place(location: string): string {
  const marker = '/node_modules/';
  const dependency = location.lastIndexOf(marker);
  if (dependency >= 0) return location.slice(dependency + marker.length);
  const here = relative(process.cwd(), location);
  return location.startsWith('/') && !here.startsWith('..') ? here : location;
}
