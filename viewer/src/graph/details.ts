import { type FrameKind, NO_FRAME, type Tree } from '../api/tree.js';
import { formatShare, formatValue } from '../format/value.js';
import { runAt, runText } from './transforms/fold.js';

/** A line of what is said of a node: one value, or A, B and their difference. */
export interface Detail {
  name: string;
  values: string[];
}

export interface Details {
  name: string;
  /** File with line; empty where it is not known. */
  place: string;
  /** Package and whose code it is. */
  origin: string;
  /** Above the values: empty, or `A`, `B` and `change`. */
  columns: string[];
  lines: Detail[];
}

const KINDS: Record<FrameKind, string> = {
  app: 'my code',
  package: 'package',
  node: 'Node.js',
  native: 'native code',
  gc: 'garbage collection',
  group: 'group',
};

/** Packages that say no more than whose code it is. */
const NO_NAMES = new Set(['', 'node', '(your code)']);

/** Of a run that many are named. */
const MOST_NAMES = 6;

/** Name of a node: that of its frame, or `all` for the root. */
export function nameOf(tree: Tree, node: number): string {
  const frame = tree.frame[node] as number;
  if (frame === NO_FRAME) return 'all';
  const name = tree.frames.name[frame] as string;
  const run = runAt(tree, node);
  return run ? `${name} ${runText(tree.frames, run)}` : name;
}

/** The first functions of a run, or where a frame's code is. */
function placeOf({ frames }: Tree, frame: number, run: readonly number[] | undefined): string {
  const [file, line] = [frames.file[frame] as string, frames.line[frame] as number];
  if (!run) return line > 0 && file !== '' ? `${file}:${line}` : file;
  const names = run.slice(0, MOST_NAMES).map((one) => frames.name[one]);
  return `${names.join(', ')}${run.length > MOST_NAMES ? ` and ${run.length - MOST_NAMES} more` : ''}`;
}

/** What is known of a node. */
export function detailsOf(tree: Tree, node: number): Details {
  const { frames, selfValues, totalValues, selfValuesB, totalValuesB, unit } = tree;
  const frame = tree.frame[node] as number;
  const known = frame !== NO_FRAME;
  const run = runAt(tree, node);
  const kind = known ? KINDS[frames.kind[frame] as FrameKind] : '';
  const owner = known ? (frames.package[frame] as string) : '';
  const parent = tree.parent[node] as number;

  const value = (name: string, a: Float64Array, b: Float64Array | undefined): Detail => {
    const [of, ofB] = [a[node] as number, b?.[node] as number];
    const shown = [formatValue(of, unit)];
    return { name, values: b ? [...shown, formatValue(ofB, unit), change(of, ofB)] : shown };
  };
  const share = (name: string, whole: number): Detail => {
    const of = formatShare(totalValues[node] as number, totalValues[whole] as number);
    if (!totalValuesB) return { name, values: [of] };
    return {
      name,
      values: [of, formatShare(totalValuesB[node] as number, totalValuesB[whole] as number), ''],
    };
  };
  return {
    name: nameOf(tree, node),
    place: known ? placeOf(tree, frame, run) : '',
    origin: run ? 'folded' : NO_NAMES.has(owner) ? kind : `${owner} · ${kind}`,
    columns: totalValuesB ? ['A', 'B', 'change'] : [],
    lines: [
      value('total', totalValues, totalValuesB),
      value('self', selfValues, selfValuesB),
      ...(node === 0 ? [] : [share('of all', 0)]),
      ...(node === 0 || parent === 0 ? [] : [share('of its parent', parent)]),
    ],
  };
}

/** How a value has changed, in per cent of what it was. */
function change(a: number, b: number): string {
  if (a === b) return 'none';
  if (a === 0) return 'only in B';
  if (b === 0) return 'only in A';
  return `${b > a ? '+' : ''}${(((b - a) / a) * 100).toFixed(1)}%`;
}

/** A node in one sentence, as a screen reader says it. */
export function spoken(tree: Tree, node: number): string {
  const { name, place, columns, lines } = detailsOf(tree, node);
  const values = lines.map((line) => {
    const parts = line.values.map((value, index) => (columns[index] ? `${columns[index]} ${value}` : value));
    return `${line.name} ${parts.filter((part) => part !== 'change ').join(', ')}`;
  });
  return [name, ...(place ? [place] : []), ...values].join(', ');
}

/** The functions of a stack, one a line, the innermost first. */
export function stackText(tree: Tree, node: number): string {
  const lines: string[] = [];
  for (let at = node; at > 0; at = tree.parent[at] as number) {
    const { name, place } = detailsOf(tree, at);
    lines.push(place ? `${name} (${place})` : name);
  }
  return lines.join('\n');
}
