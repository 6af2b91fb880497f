import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Table, TableRow } from '../api/answers.js';
import { formatRate } from '../format/rate.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { ShareBar } from '../parts/share-bar.js';
import { isLevel } from '../series/levels.js';
import { valueOfRow } from '../state/conditions.js';
import { shownSeconds } from '../state/page.js';
import { arrange } from '../tree/arrange.js';
import { KIND_NAMES } from './kind-legend.js';

interface Props {
  table: Table;
  /** What a row is, as the heading of the first column. */
  what: string;
  /** How a row without a value is called. */
  none: string;
  /** With `self` as a column of its own: for what has others below it, as packages. */
  withSelf?: boolean;
  isChosen(row: TableRow): boolean;
  /** What a click on a row does, in words, and done. */
  action: string;
  onChoose(row: TableRow): void;
}

/** A table of what is not frames: a row for each value of a tag or label, or for each package. */
export function KeyTable({
  table,
  what,
  none,
  withSelf = false,
  isChosen,
  action,
  onChoose,
}: Props): JSX.Element {
  const { unit, total, type } = table;
  // The search is of functions: it is not seen here, and finds none of these rows.
  const rows = useMemo(() => arrange(table.rows, 'total', false, ''), [table]);
  const namesakes = useMemo(() => countNames(table.rows), [table]);
  return (
    <div class="plain-table">
      <table>
        <thead>
          <tr>
            <th scope="col">{what}</th>
            {withSelf && (
              <th scope="col" class="figure">
                Self
              </th>
            )}
            <th scope="col" class="figure">
              Total
            </th>
            <th scope="col" class="figure">
              Share
            </th>
            <th scope="col" class="wide">
              <span class="hidden">Share as a bar</span>
            </th>
            {!isLevel(type) && (
              <th scope="col" class="figure">
                Rate
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind} ${row.name}`} class={isChosen(row) ? 'chosen' : undefined}>
              <th scope="row">
                {withSelf && <span class={`kind kind-${row.kind}`} />}
                <button
                  type="button"
                  class="link"
                  title={action}
                  aria-pressed={isChosen(row)}
                  onClick={() => onChoose(row)}
                >
                  {valueOfRow(row.name) === '' ? <span class="muted">{none}</span> : row.name}
                </button>
                {(namesakes.get(row.name) ?? 0) > 1 && <span class="muted"> {KIND_NAMES.get(row.kind)}</span>}
              </th>
              {withSelf && (
                <td class="figure" title={formatExact(row.self, unit)}>
                  {formatValue(row.self, unit)}
                </td>
              )}
              <td class="figure" title={formatExact(row.total, unit)}>
                {formatValue(row.total, unit)}
              </td>
              <td class="figure">{formatShare(row.total, total)}</td>
              <td>
                <ShareBar part={row.total} whole={total} />
              </td>
              {!isLevel(type) && (
                <td class="figure muted">{formatRate(row.total, unit, type, shownSeconds.value)}</td>
              )}
            </tr>
          ))}
        </tbody>
        {!withSelf && (
          <tfoot>
            <tr>
              <th scope="row">All</th>
              <td class="figure" data-sum title={formatExact(total, unit)}>
                {formatValue(total, unit)}
              </td>
              <td colSpan={3} />
            </tr>
          </tfoot>
        )}
      </table>
      {table.more > 0 && <p class="muted">{table.more} more, with less each.</p>}
    </div>
  );
}

/** Node.js is a package of three kinds: its binary, its JavaScript, and its garbage collector. */
function countNames(rows: readonly TableRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of rows) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
