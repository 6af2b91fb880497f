import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef } from 'preact/hooks';
import type { Lines } from '../api/answers.js';
import { formatExact, formatValue } from '../format/value.js';
import { ShareBar } from '../parts/share-bar.js';
import { useVirtual } from '../parts/use-virtual.js';
import { hotRows, hottestRow, nextOf, type SourceRow } from './lines.js';
import { Minimap } from './minimap.js';

const ROW_PIXELS = 20;

interface Props {
  rows: readonly SourceRow[];
  lines: Lines;
  /** 0 for the one that costs the most. */
  line: number;
  onLine(line: number): void;
  /** Where a line is to be read that is not here. */
  linkOf(line: number): string | undefined;
}

/** The lines of a file with what each costs, of which only those in sight exist. */
export function SourceTable({ rows, lines, line, onLine, linkOf }: Props): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(scroller, rows.length, ROW_PIXELS);
  const wanted = rows.findIndex((row) => row.line === line && line > 0);
  // Of the figures that came first, so that a live page does not move away from what is read.
  const first = useMemo(() => hottestRow(rows), [rows.length]);
  const active = wanted >= 0 ? wanted : first;
  const most = rows.reduce((largest, row) => Math.max(largest, row.total), 0);
  const hot = hotRows(rows);
  useEffect(() => {
    if (active >= 0) virtual.show(active, 'center');
  }, [active, rows.length]);
  const go = (index: number | undefined) => {
    const row = index === undefined ? undefined : rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row) onLine(row.line);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PIXELS) / ROW_PIXELS) - 2);
    const next = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows.length - 1,
      n: nextOf(hot, active, 1),
      p: nextOf(hot, active, -1),
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(next);
  };
  const id = useId();
  const longest = rows.reduce((width, { text }) => Math.max(width, text?.length ?? 0), 0);
  const minWidth = `calc(260px + ${longest + 2}ch)`;
  const isShown = virtual.items.some(({ index }) => index === active);
  return (
    <div class="source">
      <div
        class="table source-lines"
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label="Lines. n and p go to the next and the previous line that costs much."
        aria-rowcount={rows.length + 1}
        aria-activedescendant={isShown ? `${id}${active}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div role="row" class="table-head" aria-rowindex={1} style={{ minWidth }}>
          <span role="columnheader" class="figure">
            Line
          </span>
          <span role="columnheader" class="figure">
            Self
          </span>
          <span role="columnheader" class="figure">
            Total
          </span>
          <span role="columnheader">Source</span>
        </div>
        <div class="table-rows" role="rowgroup" style={{ height: `${virtual.height}px`, minWidth }}>
          {virtual.items.map(({ index, top }) => (
            <Row
              key={index}
              id={`${id}${index}`}
              row={rows[index] as SourceRow}
              index={index}
              top={top}
              most={most}
              unit={lines.unit}
              isActive={index === active}
              link={linkOf((rows[index] as SourceRow).line)}
              onChoose={() => go(index)}
            />
          ))}
        </div>
      </div>
      <Minimap rows={rows} hot={hot} most={most} onChoose={go} />
    </div>
  );
}

interface RowProps {
  id: string;
  row: SourceRow;
  index: number;
  top: number;
  most: number;
  unit: string;
  isActive: boolean;
  link: string | undefined;
  onChoose(): void;
}

function Row({ id, row, index, top, most, unit, isActive, link, onChoose }: RowProps): JSX.Element {
  const figure = (value: number) => (
    <span role="gridcell" class="figure" title={value > 0 ? formatExact(value, unit) : undefined}>
      {value > 0 && <ShareBar part={value} whole={most} />}
      {value > 0 && <span class="over">{formatValue(value, unit)}</span>}
    </span>
  );
  return (
    <div
      id={id}
      role="row"
      class="table-row"
      aria-rowindex={index + 2}
      aria-selected={isActive}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onChoose}
    >
      <span role="rowheader" class="figure muted">
        {row.line > 0 ? row.line : '–'}
      </span>
      {figure(row.self)}
      {figure(row.total)}
      <span role="gridcell" class="code">
        {row.text ??
          (link === undefined ? (
            <span class="muted">{row.line > 0 ? '' : 'without a line'}</span>
          ) : (
            <a href={link} target="_blank" rel="noopener noreferrer">
              line {row.line} in the repository
            </a>
          ))}
      </span>
    </div>
  );
}
