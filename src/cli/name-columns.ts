import { relative } from 'node:path';
import { type Column, widthOf } from './columns';
import { shorten } from './format';
import { visible } from './visible';

const NAME_WIDTH = 60;
/** In fewer columns a name or a place would say too little: the terminal wraps the line. */
const LEAST_WIDTH = 12;

/** What a row of a table is about. */
export interface Named {
  name: string;
  /** File and line, or an empty text. */
  location: string;
}

/**
 * The columns behind figures that say what each row is, and where. `width` is that of the terminal; undefined where there is none,
 * so that places stay whole.
 */
export function nameColumns(
  title: string,
  rows: readonly Named[],
  figures: Column[],
  width: number | undefined,
): Column[] {
  const room = width === undefined ? undefined : width - widthOf(figures);
  const hasPlaces = rows.some((row) => row.location !== '');
  const share = room === undefined ? NAME_WIDTH : Math.floor(hasPlaces ? room / 2 : room);
  const nameWidth = Math.min(NAME_WIDTH, atLeast(share));
  const names: Column = {
    title,
    align: 'left',
    // Of a name that is too long, its last part stays as well: the method of a class, the file of a path.
    cells: rows.map((row) => shorten(visible(row.name), nameWidth, Math.floor((nameWidth - 1) / 2))),
  };
  const placeWidth = room === undefined ? Number.POSITIVE_INFINITY : atLeast(room - widthOf([names]));
  const places: Column = {
    title: hasPlaces ? 'where' : '',
    align: 'left',
    // The end of a place has the file and the line.
    cells: rows.map((row) => shorten(visible(placeText(row.location)), placeWidth, placeWidth - 1)),
  };
  return [names, places];
}

function atLeast(width: number): number {
  return Math.max(LEAST_WIDTH, width);
}

/** A place as short as it stays clear: from the package on, or from the working directory. */
export function placeText(location: string): string {
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

/** A file with a line of it, where that is known. */
export function locationText(file: string, line: number): string {
  return file && line > 0 ? `${file}:${line}` : file;
}
