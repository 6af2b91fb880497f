import type { Line } from '../api/answers.js';

/** A row of the source view. */
export interface SourceRow {
  line: number;
  /** Undefined where the text is not known. */
  text: string | undefined;
  self: number;
  total: number;
}

/** Of a line more is not shown: a bundle has lines of a megabyte. */
const MOST_CHARACTERS = 1000;
/** Of the line that costs the most: what has less is not jumped to. */
const HOT_SHARE = 0.01;

/** The rows of a file: all of its lines, and those behind its end that have figures; without a text those with figures alone. */
export function rowsOf(text: string | null, lines: readonly Line[]): SourceRow[] {
  const cost = new Map(lines.map((line) => [line.line, line]));
  const texts = text === null ? [] : textLines(text);
  const rows = texts.map((line, index) => rowOf(index + 1, shortened(line), cost.get(index + 1)));
  const behind = lines.filter(({ line }) => line > texts.length || (line === 0 && text === null));
  const others = behind.map((line) => rowOf(line.line, undefined, line)).sort((a, b) => a.line - b.line);
  return [...rows, ...others];
}

function rowOf(line: number, text: string | undefined, cost: Line | undefined): SourceRow {
  return { line, text, self: cost?.self ?? 0, total: cost?.total ?? 0 };
}

/** Without the empty one behind a break at the end. */
function textLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|[\n\r]/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function shortened(line: string): string {
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)} …` : line;
}

/** Indexes of the rows that cost much, in their order. */
export function hotRows(rows: readonly SourceRow[]): number[] {
  const most = rows.reduce((largest, { total }) => Math.max(largest, total), 0);
  return rows.flatMap(({ total }, index) => (total > 0 && total >= most * HOT_SHARE ? [index] : []));
}

/** The row that costs the most itself, or below it where none does; -1 where there is none. */
export function hottestRow(rows: readonly SourceRow[]): number {
  let best = -1;
  rows.forEach(({ self, total }, index) => {
    const than = rows[best];
    if (total > 0 && (!than || self > than.self || (self === than.self && total > than.total))) best = index;
  });
  return best;
}

/** The next of some rows behind or before one, round the end. */
export function nextOf(hot: readonly number[], at: number, step: 1 | -1): number | undefined {
  return step === 1
    ? (hot.find((row) => row > at) ?? hot[0])
    : (hot.findLast((row) => row < at) ?? hot.at(-1));
}
