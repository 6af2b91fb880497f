import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Tree } from '../api/tree.js';
import { searchFor } from '../format/search-text.js';
import { formatDifference, formatExact, formatValue } from '../format/value.js';
import { change, view } from '../state/page.js';
import { functionsOf } from '../tree/functions.js';

/** More rows than anybody reads; the search finds the others. */
const MOST_ROWS = 300;

/** Functions by how much their own share of the work changed. */
export function DifferenceTable({ tree }: { tree: Tree }): JSX.Element {
  const { search, of } = view.value;
  const rows = useMemo(() => {
    return functionsOf(tree)
      .filter(searchFor(search) ?? (() => true))
      .sort((x, y) => Math.abs(y.selfB - y.self) - Math.abs(x.selfB - x.self));
  }, [tree, search]);
  const { unit } = tree;
  const figure = (value: number) => (
    <td class="figure" title={formatExact(value, unit)}>
      {formatValue(value, unit)}
    </td>
  );
  const changed = (a: number, b: number) => (
    <td class={`figure ${b > a ? 'more' : b < a ? 'less' : 'muted'}`} title={formatExact(b - a, unit)}>
      {formatDifference(b - a, unit)}
    </td>
  );
  return (
    <div class="plain-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Function</th>
            {['Self A', 'Self B', 'Change', 'Total A', 'Total B', 'Change'].map((text, index) => (
              <th key={index} scope="col" class="figure">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row) => (
            <tr
              key={JSON.stringify([row.name, row.file])}
              class={row.name === of?.name && row.file === of.file ? 'chosen' : undefined}
            >
              <th scope="row">
                <span class={`kind kind-${row.kind}`} />
                <button
                  type="button"
                  class="link mono"
                  title={`${row.file}\nShow its callers and callees`}
                  onClick={() => change({ tab: 'sandwich', of: { name: row.name, file: row.file } })}
                >
                  {row.name}
                </button>
              </th>
              {figure(row.self)}
              {figure(row.selfB)}
              {changed(row.self, row.selfB)}
              {figure(row.total)}
              {figure(row.totalB)}
              {changed(row.total, row.totalB)}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p class="muted">{rows.length - MOST_ROWS} more, which changed less each.</p>
      )}
    </div>
  );
}
