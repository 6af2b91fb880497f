import type { Column } from './columns';

/** Lines of a table as GitHub Flavored Markdown has it. Cells are Markdown already. */
export function markdownTable(columns: readonly Column[]): string[] {
  const count = Math.max(0, ...columns.map(({ cells }) => cells.length));
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'left' ? '---' : '---:'))),
    ...Array.from({ length: count }, (_, row) => line(columns.map(({ cells }) => cells[row] ?? ''))),
  ];
}

/** Text of somebody else's, of one line, as code in a cell: no link, no markup, no end of the cell. */
export function markdownCode(text: string): string {
  if (text === '') return '';
  // A bar ends a cell also within code, and a backtick the code: there the characters are named by their numbers.
  return /[|`]/.test(text) ? `<code>${byNumbers(text)}</code>` : `\`${text}\``;
}

/** The same as plain text: what may be markup is named by numbers, and figures stay as they are. */
export function markdownInert(text: string): string {
  return /[^\p{L}\p{N} .,:%+-]/u.test(text) ? byNumbers(text) : text;
}

function byNumbers(text: string): string {
  return text.replace(/[^\p{L}\p{N} ]/gu, (character) => `&#${character.codePointAt(0)};`);
}
