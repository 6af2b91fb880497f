import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef } from 'preact/hooks';
import type { Table, TableRow } from '../api/answers.js';
import { place, shortFile } from '../format/names.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { ShareBar } from '../parts/share-bar.js';
import { useVirtual } from '../parts/use-virtual.js';
import { change, view } from '../state/page.js';
import { arrange } from '../tree/arrange.js';

const ROW_PIXELS = 24;

interface Props {
  table: Table;
  /** Without the columns that there is no room for beside a graph. */
  isNarrow?: boolean;
  /** The rows are files: the one chosen, and what chooses another. */
  files?: { chosen: string | undefined; onChoose(file: string): void };
}

/** Functions or files with their self and total, as a grid of which only the rows in sight exist. */
export function FunctionTable({ table, isNarrow = false, files }: Props): JSX.Element {
  const { sort, ascending, search, of } = view.value;
  const rows = useMemo(() => arrange(table.rows, sort, ascending, search), [table, sort, ascending, search]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(scroller, rows.length, ROW_PIXELS);
  const active = rows.findIndex(({ name, file }) =>
    files ? file === files.chosen : name === of?.name && file === of.file,
  );
  useEffect(() => {
    if (active >= 0) virtual.show(active);
  }, [active]);
  const select = ({ name, file }: TableRow) =>
    files
      ? files.onChoose(file)
      : change({ of: { name, file }, selected: undefined }, view.value.of ? 'replace' : 'push');
  const enter = () => {
    if (!files) change({ tab: 'sandwich' });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Not from the buttons in the head.
    if (event.target !== event.currentTarget) return;
    if (event.key === 'Enter' && of) enter();
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PIXELS) / ROW_PIXELS) - 1);
    const next = {
      ArrowDown: active + 1,
      ArrowUp: active < 0 ? rows.length - 1 : active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows.length - 1,
    }[event.key];
    if (next === undefined || rows.length === 0) return;
    event.preventDefault();
    select(rows[Math.max(0, Math.min(rows.length - 1, next))] as TableRow);
  };
  const id = useId();
  const isShown = virtual.items.some(({ index }) => index === active);
  return (
    <div
      class={isNarrow ? 'table narrow' : 'table functions'}
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label={files ? 'Files' : 'Functions'}
      aria-rowcount={rows.length + 1}
      aria-activedescendant={isShown ? `${id}${active}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="row" class="table-head" aria-rowindex={1}>
        <Head column="self" text="Self" />
        <Head column="total" text="Total" />
        <Head column="name" text={files ? 'File' : 'Function'} />
        {!isNarrow && (
          <>
            <span role="columnheader">File</span>
            <span role="columnheader">Package</span>
          </>
        )}
      </div>
      <div class="table-rows" role="rowgroup" style={{ height: `${virtual.height}px` }}>
        {virtual.items.map(({ index, top }) => (
          <Row
            key={index}
            id={`${id}${index}`}
            row={rows[index] as TableRow}
            index={index}
            top={top}
            table={table}
            isNarrow={isNarrow}
            isActive={index === active}
            onSelect={select}
            onEnter={enter}
          />
        ))}
      </div>
      {rows.length === 0 && (
        <p class="muted none">
          No {files ? 'file' : 'function'} has “{search}” in its name, file or package.
        </p>
      )}
    </div>
  );
}

interface RowProps {
  id: string;
  row: TableRow;
  index: number;
  top: number;
  table: Table;
  isNarrow: boolean;
  isActive: boolean;
  onSelect(row: TableRow): void;
  onEnter(): void;
}

function Row({ id, row, index, top, table, isNarrow, isActive, onSelect, onEnter }: RowProps): JSX.Element {
  const { unit, total } = table;
  return (
    <div
      id={id}
      role="row"
      class="table-row"
      aria-rowindex={index + 2}
      aria-selected={isActive}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(row)}
      onDblClick={onEnter}
    >
      <span role="gridcell" class="figure" title={formatExact(row.self, unit)}>
        <ShareBar part={row.self} whole={total} />
        {formatValue(row.self, unit)} <span class="muted share">{formatShare(row.self, total)}</span>
      </span>
      <span role="gridcell" class="figure" title={formatExact(row.total, unit)}>
        <ShareBar part={row.total} whole={total} />
        {formatValue(row.total, unit)} <span class="muted share">{formatShare(row.total, total)}</span>
      </span>
      <span
        role="gridcell"
        class="mono name"
        title={isNarrow ? `${row.name}\n${place(row.file, row.line)}` : row.name}
      >
        <span class={`kind kind-${row.kind}`} />
        {row.name === row.file ? shortFile(row.name) : row.name}
      </span>
      {!isNarrow && (
        <>
          <span role="gridcell" class="muted clip" title={place(row.file, row.line)}>
            {shortFile(place(row.file, row.line))}
          </span>
          <span role="gridcell" class="muted clip">
            {row.package}
          </span>
        </>
      )}
    </div>
  );
}

function Head({ column, text }: { column: 'self' | 'total' | 'name'; text: string }): JSX.Element {
  const { sort, ascending } = view.value;
  const isSorted = sort === column;
  const order = isSorted ? (ascending ? 'ascending' : 'descending') : 'none';
  // Names are looked for from A, figures from the largest.
  const first = column === 'name';
  return (
    <span role="columnheader" aria-sort={order} class={column === 'name' ? undefined : 'figure'}>
      <button
        type="button"
        onClick={() => change({ sort: column, ascending: isSorted ? !ascending : first })}
      >
        {text}
        <span aria-hidden="true">{isSorted ? (ascending ? ' ↑' : ' ↓') : ''}</span>
      </button>
    </span>
  );
}
