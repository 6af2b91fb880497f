import { relative } from 'node:path';
import { selectValues } from '../profile/choose';
import { readProfile } from '../profile/read';
import { DEFAULT_ROWS, type Grouping, tabulate } from '../profile/table';
import { alignColumns, type Column, widthOf } from './columns';
import { formatShare, formatValue, shorten } from './format';
import { visible } from './visible';

const NAME_WIDTH = 60;
/** In fewer columns a name or a place would say too little: the terminal wraps the line. */
const LEAST_WIDTH = 12;

export interface TopOptions {
  by: Grouping;
  type?: string;
  /** Without one a table has the first rows, and JSON all. */
  limit?: number;
  json?: boolean;
}

/**
 * The text that `everflame top` prints. `columns` is the width of the terminal it is for; undefined where it is for
 * none, so that places stay whole. Throws an EverflameError where a file cannot be used.
 */
export function top(files: string[], options: TopOptions, columns?: number): string {
  const selection = selectValues(files.map(readProfile), options.type);
  const all = tabulate(selection, options.by);
  const rows = all.slice(0, options.limit ?? (options.json ? all.length : DEFAULT_ROWS));
  const { type, unit, total, gained, lost } = selection;
  if (options.json) return JSON.stringify({ files, type, unit, total, by: options.by, rows }, undefined, 2);
  const fileCount = files.length === 1 ? '1 file' : `${files.length} files`;
  const parts = lost < 0 ? ` (+${formatValue(gained, unit)} ${formatValue(lost, unit)})` : '';
  const heading = `${visible(type)}: ${formatValue(total, unit)}${parts} in ${fileCount}, by ${options.by}`;
  // Of a difference, what was gained and lost may add up to nothing.
  const whole = gained - lost;
  if (rows.length === 0) return [heading, '', 'no samples'].join('\n');
  const figures: Column[] = [
    { title: 'self', align: 'right', cells: rows.map((row) => formatValue(row.self, unit)) },
    { title: '', align: 'right', cells: rows.map((row) => formatShare(row.self, whole)) },
    { title: 'total', align: 'right', cells: rows.map((row) => formatValue(row.total, unit)) },
    { title: '', align: 'right', cells: rows.map((row) => formatShare(row.total, whole)) },
  ];
  const room = columns === undefined ? undefined : columns - widthOf(figures);
  const hasPlaces = rows.some((row) => row.location !== '');
  const share = room === undefined ? NAME_WIDTH : Math.floor(hasPlaces ? room / 2 : room);
  const nameWidth = Math.min(NAME_WIDTH, atLeast(share));
  const names: Column = {
    title: options.by,
    align: 'left',
    // Of a name that is too long, its last part stays as well: the method of a class, the file of a path.
    cells: rows.map((row) => shorten(visible(row.name), nameWidth, Math.floor((nameWidth - 1) / 2))),
  };
  const placeWidth = room === undefined ? Number.POSITIVE_INFINITY : atLeast(room - widthOf([names]));
  const places: Column = {
    title: hasPlaces ? 'where' : '',
    align: 'left',
    // The end of a place has the file and the line.
    cells: rows.map((row) => shorten(visible(place(row.location)), placeWidth, placeWidth - 1)),
  };
  const table = alignColumns([...figures, names, places]);
  const hidden = all.length - rows.length;
  const [rest, object] = hidden === 1 ? ['row', 'it'] : ['rows', 'them'];
  const more = hidden > 0 ? ['', `${hidden} more ${rest}; --limit ${all.length} shows ${object}.`] : [];
  return [heading, '', ...table, ...more].join('\n');
}

function atLeast(width: number): number {
  return Math.max(LEAST_WIDTH, width);
}

/** A place as short as it stays clear: from the package on, or from the working directory. */
function place(location: string): string {
  const marker = '/node_modules/';
  const dependency = location.lastIndexOf(marker);
  if (dependency >= 0) return location.slice(dependency + marker.length);
  if (!location.startsWith('/')) return location;
  try {
    const here = relative(process.cwd(), location);
    return here.startsWith('..') ? location : here;
  } catch {
    // The working directory is gone.
    return location;
  }
}
