/** One column of a table of text. */
export interface Column {
  title: string;
  align: 'left' | 'right';
  cells: string[];
}

const GAP = '  ';

/** How many characters stand before a column behind these. */
export function widthOf(columns: Column[]): number {
  return widthsOf(columns).reduce((sum, width) => sum + width + GAP.length, 0);
}

function widthsOf(columns: Column[]): number[] {
  return columns.map(({ title, cells }) => longest(cells, title.length));
}

/** One by one: a table can have more rows than a call can have arguments. */
function longest(cells: string[], least: number): number {
  return cells.reduce((most, { length }) => Math.max(most, length), least);
}

/** Lines of a table, each column as wide as its widest cell; no spaces at line ends. */
export function alignColumns(columns: Column[]): string[] {
  const widths = widthsOf(columns);
  const count = Math.max(0, ...columns.map(({ cells }) => cells.length));
  const line = (cell: (column: Column) => string): string =>
    columns
      .map((column, index) => {
        const width = widths[index] ?? 0;
        return column.align === 'left' ? cell(column).padEnd(width) : cell(column).padStart(width);
      })
      .join(GAP)
      .trimEnd();
  const rows = Array.from({ length: count }, (_, row) => line((column) => column.cells[row] ?? ''));
  return [line((column) => column.title), ...rows];
}
