import type { Selection } from './choose';
import { type Frame, threadOf } from './model';

/** By what the rows of a table are told apart. */
export const groupings = ['function', 'line', 'file', 'package', 'thread'] as const;
/** How many rows a reader is shown unless something else is asked for. */
export const DEFAULT_ROWS = 30;
export type Grouping = (typeof groupings)[number];

export function isGrouping(text: string): text is Grouping {
  return (groupings as readonly string[]).includes(text);
}

/** One row: what ran itself (`self`) and what ran below it as well (`total`). */
export interface Row {
  name: string;
  /** File and line, for functions and lines. */
  location: string;
  self: number;
  total: number;
}

/**
 * Adds up samples by one grouping, the largest first, whether above zero or below. A stack counts once for each name in it,
 * recursive or not.
 */
export function tabulate(selection: Selection, grouping: Grouping): Row[] {
  const rows = new Map<string, Row>();
  const rowFor = (name: string, location: string): Row => {
    const key = `${name}\0${location}`;
    let row = rows.get(key);
    if (!row) {
      row = { name, location, self: 0, total: 0 };
      rows.set(key, row);
    }
    return row;
  };
  if (grouping === 'thread') {
    for (const { sample, value } of selection.samples) addLeaf(rowFor(threadOf(sample), ''), value);
  } else {
    // A frame is one object however many stacks hold it, so its row is looked up by name once.
    const rowsOfFrames = new Map<Frame, Row>();
    const rowOf = (frame: Frame): Row => {
      let row = rowsOfFrames.get(frame);
      if (!row) {
        row = rowFor(...nameOf(frame, grouping));
        rowsOfFrames.set(frame, row);
      }
      return row;
    };
    for (const { sample, value } of selection.samples) {
      const [leaf] = sample.frames;
      const leafRow = leaf ? rowOf(leaf) : rowFor('(no stack)', '');
      addLeaf(leafRow, value);
      const callers = new Set(sample.frames.map(rowOf));
      callers.delete(leafRow);
      for (const row of callers) row.total += value;
    }
  }
  return [...rows.values()].sort(
    (a, b) =>
      Math.abs(b.self) - Math.abs(a.self) ||
      Math.abs(b.total) - Math.abs(a.total) ||
      (a.name < b.name ? -1 : 1),
  );
}

function addLeaf(row: Row, value: number): void {
  row.self += value;
  row.total += value;
}

function nameOf(frame: Frame, grouping: Exclude<Grouping, 'thread'>): [name: string, location: string] {
  if (grouping === 'package') return [frame.package, ''];
  const place = frame.file || frame.module;
  // What is in no file, as the garbage collection, is by itself.
  if (grouping === 'file') return [place || frame.name, ''];
  const line = grouping === 'line' ? frame.line || frame.startLine : frame.startLine;
  return [frame.name, place && line > 0 ? `${place}:${line}` : place];
}
