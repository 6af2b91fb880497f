import type { JSX } from 'preact';
import { formatValue } from '../format/value.js';
import { SearchField } from '../parts/search-field.js';
import { Answer } from '../parts/status.js';
import { view } from '../state/page.js';
import { useTable } from '../state/use-selected.js';
import { arrange } from '../tree/arrange.js';
import { FunctionBar } from './function-bar.js';
import { FunctionTable } from './function-table.js';

/** The table of all functions. */
export function TopView(): JSX.Element {
  const answered = useTable('function');
  const { of, search } = view.value;
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) => {
        const row = of && table.rows.find(({ name, file }) => name === of.name && file === of.file);
        const found = search === '' ? table.rows : arrange(table.rows, 'self', false, search);
        const self = found.reduce((sum, one) => sum + one.self, 0);
        return (
          <>
            <div class="toolbar">
              <SearchField placeholder="Filter by name, file or package" />
              <span class="muted" data-found>
                {found.length} of {table.rows.length + table.more} functions, self{' '}
                {formatValue(self, table.unit)}
              </span>
            </div>
            <FunctionTable table={table} />
            {row && <FunctionBar {...row} whole={table.total} unit={table.unit} />}
          </>
        );
      }}
    </Answer>
  );
}
