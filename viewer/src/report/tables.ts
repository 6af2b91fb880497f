import type { LabelKey, Labels, Table, TableRow } from '../api/answers.js';
import type { Tree } from '../api/tree.js';
import { FRAME_SIZES } from '../state/view.js';
import type { Contents } from './contents.js';
import { pick, valueOfKey } from './pick.js';
import { treeOf } from './trees.js';

/** Values of a key in one answer, as of the collector. */
const MOST_VALUES = 200;
const ROWS = 1000;

/** Answers `/table`. */
export function tableOf(contents: Contents, question: URLSearchParams): Table {
  const by = question.get('by') ?? '';
  const most = Number(question.get('limit') ?? ROWS);
  const { type, unit, total } = pick(contents, question);
  const rows = FRAME_SIZES.some((size) => size === by)
    ? byFrame(contents, question, by)
    : byKey(contents, question, by);
  rows.sort(
    (a, b) =>
      b.self - a.self ||
      b.total - a.total ||
      order(a.name, b.name) ||
      order(a.file, b.file) ||
      a.line - b.line,
  );
  return { type, unit, total, rows: rows.slice(0, most), more: Math.max(0, rows.length - most) };
}

function byFrame(contents: Contents, question: URLSearchParams, by: string): TableRow[] {
  const sized = new URLSearchParams(question);
  sized.set('frames', by);
  sized.delete('by');
  const tree = treeOf(contents, sized);
  const sums = sumsOf(tree, (frame) => frame);
  const rows = [...sums].map(([frame, own]) => ({
    name: tree.frames.name[frame] as string,
    file: tree.frames.file[frame] as string,
    line: tree.frames.line[frame] as number,
    kind: tree.frames.kind[frame] as TableRow['kind'],
    package: tree.frames.package[frame] as string,
    ...own,
  }));
  const without = tree.selfValues[0] as number;
  return without > 0 ? [...rows, named('(no stack)', without)] : rows;
}

function byKey(contents: Contents, question: URLSearchParams, by: string): TableRow[] {
  const { rows, column } = pick(contents, question);
  const values = contents.values[column] as Float64Array;
  const sums = new Map<string, number>();
  for (const row of rows) {
    const value = valueOfKey(
      contents,
      contents.rowLabel[row] as number,
      contents.rowGroup[row] as number,
      by,
    );
    sums.set(value, (sums.get(value) ?? 0) + (values[row] as number));
  }
  return [...sums].map(([value, sum]) => named(value === '' ? '(none)' : value, sum));
}

function named(name: string, value: number): TableRow {
  return { name, file: '', line: 0, kind: 'group', package: '', self: value, total: value };
}

/**
 * Adds up a tree by what frames are called; `nameOf` gives undefined for those that do not count. A stack counts once in a total, however
 * often a name is on it.
 */
export function sumsOf<Name>(
  tree: Tree,
  nameOf: (frame: number) => Name | undefined,
): Map<Name, { self: number; total: number }> {
  const sums = new Map<Name, { self: number; total: number }>();
  const names = tree.frames.name.map((_name, frame) => nameOf(frame));
  for (let node = 1; node < tree.parent.length; node++) {
    const name = names[tree.frame[node] as number];
    if (name === undefined) continue;
    const sum = sums.get(name) ?? { self: 0, total: 0 };
    sums.set(name, sum);
    sum.self += tree.selfValues[node] as number;
    let above = tree.parent[node] as number;
    while (above !== 0 && names[tree.frame[above] as number] !== name) above = tree.parent[above] as number;
    if (above === 0) sum.total += tree.totalValues[node] as number;
  }
  return sums;
}

/** Answers `/labels`. */
export function labelsOf(contents: Contents, question: URLSearchParams): Labels {
  const { rows, column, type, unit, total } = pick(contents, question);
  const values = contents.values[column] as Float64Array;
  const sums = { label: new Map<number, number>(), group: new Map<number, number>() };
  const add = (to: Map<number, number>, key: number, value: number) =>
    to.set(key, (to.get(key) ?? 0) + value);
  for (const row of rows) {
    add(sums.label, contents.rowLabel[row] as number, values[row] as number);
    add(sums.group, contents.rowGroup[row] as number, values[row] as number);
  }
  const labels = keysOf(sums.label, (label) => contents.labels[label] ?? new Map(), false);
  const tags = keysOf(sums.group, (group) => contents.groups[group]?.tags ?? new Map(), true);
  return { type, unit, total, keys: [...labels, ...tags] };
}

function keysOf(
  sums: ReadonlyMap<number, number>,
  pairsOf: (id: number) => ReadonlyMap<string, string>,
  isTag: boolean,
): LabelKey[] {
  const keys = new Map<string, Map<string, number>>();
  for (const [id, sum] of sums)
    for (const [key, value] of pairsOf(id)) {
      const of = keys.get(key) ?? new Map<string, number>();
      keys.set(key, of);
      of.set(value, (of.get(value) ?? 0) + sum);
    }
  return [...keys]
    .sort(([a], [b]) => order(a, b))
    .map(([key, of]) => {
      const all = [...of]
        .map(([value, total]) => ({ value, total }))
        .sort((a, b) => b.total - a.total || order(a.value, b.value));
      return { key, isTag, values: all.slice(0, MOST_VALUES), more: Math.max(0, all.length - MOST_VALUES) };
    });
}

/** By code points, as the store orders. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Answers `/lines`. */
export function linesOf(contents: Contents, question: URLSearchParams): unknown {
  const sized = new URLSearchParams(question);
  sized.set('frames', 'line');
  const tree = treeOf(contents, sized);
  const file = question.get('file');
  const sums = sumsOf(tree, (frame) =>
    tree.frames.file[frame] === file ? tree.frames.line[frame] : undefined,
  );
  const lines = [...sums].sort(([a], [b]) => a - b).map(([line, own]) => ({ line, ...own }));
  return { type: tree.type, unit: tree.unit, total: tree.total, lines };
}
