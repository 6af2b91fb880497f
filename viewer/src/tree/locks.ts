import type { Table } from '../api/answers.js';

/** What is known of a lock. A figure is undefined where no profile has it. */
export interface LockRow {
  name: string;
  acquires: number | undefined;
  /** Nanoseconds, all together. */
  wait: number | undefined;
  releases: number | undefined;
  hold: number | undefined;
}

export type LockFigure = Exclude<keyof LockRow, 'name'>;

/** The kind of value that each figure is the sum of. */
export const LOCK_TYPES: Readonly<Record<LockFigure, string>> = {
  acquires: 'lock-acquire',
  wait: 'lock-acquire-wait',
  releases: 'lock-release',
  hold: 'lock-release-hold',
};

/** Joins tables by lock name, one of each figure that there is; those waited for the longest first. */
export function joinLocks(tables: Readonly<Partial<Record<LockFigure, Table>>>): LockRow[] {
  const rows = new Map<string, LockRow>();
  const figures = Object.entries(tables) as [LockFigure, Table][];
  for (const [figure, table] of figures)
    for (const { name, total } of table.rows) {
      const row = rows.get(name) ?? emptyRow(name, figures);
      row[figure] = (row[figure] ?? 0) + total;
      rows.set(name, row);
    }
  const weight = ({ wait, hold, acquires, releases }: LockRow) => [wait, hold, acquires, releases];
  return [...rows.values()].sort((a, b) => {
    const of = weight(b);
    const differing = weight(a).findIndex((value, index) => value !== of[index]);
    if (differing < 0) return a.name < b.name ? -1 : 1;
    return (of[differing] ?? 0) - (weight(a)[differing] ?? 0);
  });
}

/** A lock that is not in the table of a figure has none of it, if there is such a table. */
function emptyRow(name: string, figures: [LockFigure, Table][]): LockRow {
  const row: LockRow = { name, acquires: undefined, wait: undefined, releases: undefined, hold: undefined };
  for (const [figure] of figures) row[figure] = 0;
  return row;
}

/** An average time; undefined where there is nothing to take it of. */
export function average(time: number | undefined, count: number | undefined): number | undefined {
  return time === undefined || !count ? undefined : time / count;
}
