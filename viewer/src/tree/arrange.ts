import type { TableRow } from '../api/answers.js';
import { searchFor } from '../format/search-text.js';
import type { Sort } from '../state/view.js';

/** Rows that a search finds, in the order wanted;
 * those that are equal in it by their other value, then by name. The rows given stay as they are. */
export function arrange(
  rows: readonly TableRow[],
  sort: Sort,
  ascending: boolean,
  search: string,
): TableRow[] {
  const finds = searchFor(search);
  const found = finds ? rows.filter(finds) : [...rows];
  const direction = ascending ? 1 : -1;
  const byName = (a: TableRow, b: TableRow) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const other = sort === 'self' ? 'total' : 'self';
  return found.sort((a, b) =>
    sort === 'name'
      ? direction * byName(a, b)
      : direction * (a[sort] - b[sort]) || direction * (a[other] - b[other]) || byName(a, b),
  );
}
