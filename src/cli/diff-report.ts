import type { Change, Changes, Order, Scale, Side } from '../collector/query/changes';
import type { Frames } from '../collector/store';
import { alignColumns, type Column } from './columns';
import { formatValue } from './format';
import { markdownCode, markdownInert, markdownTable } from './markdown';
import { locationText, nameColumns, placeText } from './name-columns';
import { visible } from './visible';

/** How many rows a reader is shown unless something else is asked for. */
const ROWS = 30;

/** A comparison, and what the reader is told of it. */
export interface DiffReport {
  changes: Changes;
  /** What is compared. */
  a: string;
  b: string;
  by: Frames;
  sort: Order;
  limit: number | undefined;
  scale: Scale;
}

/** For programs: all rows unless a limit is given, values in the unit of the type. */
export function diffJson({ changes, a, b, by, limit = changes.rows.length }: DiffReport): string {
  const { type, unit, scale, damaged, rows } = changes;
  const shown = rows.slice(0, limit);
  const answer = {
    type,
    unit,
    by,
    a: { name: a, ...changes.a },
    b: { name: b, ...changes.b },
    scale,
    damaged,
    rows: shown,
    more: rows.length - shown.length,
  };
  return JSON.stringify(answer, undefined, 2);
}

/** For a terminal of `width` columns, or for a file. */
export function diffText(report: DiffReport, width: number | undefined): string {
  const { changes, by } = report;
  const { shown, hidden, unchanged } = pick(report);
  const figures = figuresOf(report, shown);
  const names = shown.map(({ name, file, line }) => ({ name, location: locationOf(by, file, line) }));
  return blocks([
    [heading(report)],
    alignColumns(sidesOf(report)),
    notes(report),
    shown.length === 0 ? [] : alignColumns([...figures, ...nameColumns(by, names, figures, width)]),
    rest(hidden, unchanged, changes.rows.length),
  ]);
}

/** For a pull request or an issue: names stand as they are, whatever is in them. */
export function diffMarkdown(report: DiffReport): string {
  const { changes, by } = report;
  const { shown, hidden, unchanged } = pick(report);
  const names = shown.map(({ name }) => name);
  const places = shown.map(({ file, line }) => placeText(locationOf(by, file, line)));
  const sides = sidesOf(report);
  const columns = [
    inCode({ title: by, align: 'left', cells: names }),
    ...(places.some((place) => place !== '')
      ? [inCode({ title: 'where', align: 'left', cells: places })]
      : []),
    ...figuresOf(report, shown).map(inert),
  ];
  return blocks([
    [`**${markdownInert(heading(report))}**`],
    markdownTable([...sides.slice(0, -1).map(inert), ...sides.slice(-1).map(inCode)]),
    notes(report),
    shown.length === 0 ? [] : markdownTable(columns),
    rest(hidden, unchanged, changes.rows.length),
  ]);
}

function inCode(column: Column): Column {
  return { ...column, cells: column.cells.map((cell) => markdownCode(visible(cell))) };
}

/** Figures, in units that are whatever a profile says. */
function inert({ title, align, cells }: Column): Column {
  return { title: markdownInert(title), align, cells: cells.map(markdownInert) };
}

/** With an empty line between each two. */
function blocks(all: string[][]): string {
  return all
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** The rows that are shown. What has not changed at all is counted and not shown. */
function pick({ changes, limit = ROWS }: DiffReport): { shown: Change[]; hidden: number; unchanged: number } {
  const changed = changes.rows.filter(({ change }) => change.self !== 0 || change.total !== 0);
  const shown = changed.slice(0, limit);
  return {
    shown,
    hidden: changed.length - shown.length,
    unchanged: changes.rows.length - changed.length,
  };
}

function heading({ changes: { type, a, b, scale: factor }, by, scale }: DiffReport): string {
  const before = a.total * factor;
  const isTimed = scale === 'time' && a.seconds > 0 && b.seconds > 0;
  const each = scale === 'requests' ? ' for each request' : isTimed ? ' in the same time' : '';
  // Half a unit is what rounding of the factor can make of no change.
  if (Math.abs(before - b.total) < 0.5)
    return `${visible(type)}: no change${scale === 'requests' ? each : ''}, by ${by}`;
  return `${visible(type)}: ${relative(before, b.total) || 'from nothing'}${each}, by ${by}`;
}

/** A and B themselves, a row each. */
function sidesOf({ changes: { a, b, type, unit }, a: nameA, b: nameB, scale }: DiffReport): Column[] {
  const both = [a, b];
  const isPerRequest = scale === 'requests';
  const each = ({ total, seconds, requests = 0 }: Side): string => {
    const divisor = isPerRequest ? requests : seconds;
    return divisor > 0 ? formatValue(Math.round(total / divisor), unit) : '';
  };
  const requests: Column = {
    title: 'requests',
    align: 'right',
    cells: both.map((side) => formatValue(side.requests ?? 0, 'count')),
  };
  return [
    { title: '', align: 'left', cells: ['A', 'B'] },
    { title: 'profiles cover', align: 'right', cells: both.map(({ seconds }) => secondsText(seconds)) },
    { title: visible(type), align: 'right', cells: both.map(({ total }) => formatValue(total, unit)) },
    ...(isPerRequest ? [requests] : []),
    { title: `each ${isPerRequest ? 'request' : 'second'}`, align: 'right', cells: both.map(each) },
    { title: 'what', align: 'left', cells: [nameA, nameB].map(visible) },
  ];
}

/** What has to be known to read the figures. */
function notes({ changes: { a, b, scale: factor, damaged }, scale, sort }: DiffReport): string[] {
  const lost = damaged > 0 ? [`${damaged} blocks of the store could not be read and are in no figure.`] : [];
  return [`${scaleNote()} The largest change of ${sort} comes first.`, ...lost];

  function scaleNote(): string {
    if (scale === 'none') return 'Figures are sums as they are, whatever time the profiles cover.';
    if (scale === 'requests')
      return factor === 1
        ? 'As many requests came in both.'
        : `A's figures below are scaled to the ${formatValue(b.requests ?? 0, 'count')} ${b.requests === 1 ? 'request' : 'requests'} of B.`;
    const silent = [a.seconds > 0 ? '' : 'A', b.seconds > 0 ? '' : 'B'].filter(Boolean).join(' and ');
    if (silent)
      return `Figures are sums as they are: the profiles of ${silent} do not tell how long they took.`;
    return factor === 1
      ? 'Both cover the same time.'
      : `A's figures below are scaled to the ${secondsText(b.seconds)} that B's profiles cover.`;
  }
}

function figuresOf({ changes: { unit, scale }, sort }: DiffReport, rows: Change[]): Column[] {
  const figure = (title: string, value: (row: Change) => number): Column => ({
    title,
    align: 'right',
    cells: rows.map((row) => formatValue(Math.round(value(row)), unit)),
  });
  const change = (value: (row: Change) => number): Column => ({
    title: 'change',
    align: 'right',
    cells: rows.map((row) => signed(value(row), unit)),
  });
  return [
    figure('self A', ({ a }) => a.self * scale),
    figure('self B', ({ b }) => b.self),
    change((row) => row.change.self),
    figure('total A', ({ a }) => a.total * scale),
    figure('total B', ({ b }) => b.total),
    change((row) => row.change.total),
    { title: '', align: 'right', cells: rows.map((row) => verdict(row, scale, sort)) },
  ];
}

/** What a row has become: new, gone, or by how much of itself another. */
function verdict({ a, b }: Change, scale: number, sort: Order): string {
  if (a.total === 0) return 'new';
  if (b.total === 0) return 'gone';
  return relative(a[sort] * scale, b[sort]);
}

/** Empty where there was nothing before. */
function relative(before: number, after: number): string {
  if (before === 0) return '';
  const percent = (100 * (after - before)) / before;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(percent >= 1000 ? 0 : 1)} %`;
}

function signed(value: number, unit: string): string {
  const rounded = Math.round(value);
  return `${rounded > 0 ? '+' : ''}${formatValue(rounded, unit)}`;
}

function secondsText(seconds: number): string {
  if (seconds <= 0) return 'not told';
  return formatValue(Math.round(seconds * 1e9), 'nanoseconds');
}

/** Of a file the name is where it is. */
function locationOf(by: Frames, file: string, line: number): string {
  return by === 'file' || by === 'package' ? '' : locationText(file, line);
}

function rest(hidden: number, unchanged: number, all: number): string[] {
  const lines = [
    hidden > 0 ? `${hidden} more changed; --limit ${all} shows all.` : '',
    unchanged > 0 ? `${unchanged} did not change.` : '',
  ].filter(Boolean);
  return lines.length === 0 ? [] : [lines.join(' ')];
}
