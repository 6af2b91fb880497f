import type { Tree } from '../api/tree.js';
import type { Contents } from './contents.js';
import { Growing, Places, type Resized, resize, sizeOf } from './merge.js';
import { type Picked, pick, valueOfKey } from './pick.js';

/** What a tree's heading says of the profiles found. */
function headingOf({
  type,
  unit,
  total,
  found,
}: Picked): Omit<Tree, 'frames' | keyof ReturnType<Growing['finish']>> {
  return { type, unit, total, ...found, omitted: 0 };
}

function joins(question: URLSearchParams): boolean {
  const size = sizeOf(question.get('frames'));
  return size === 'file' || size === 'package';
}

/** Answers `/tree`. */
export function treeOf(contents: Contents, question: URLSearchParams): Tree {
  const picked = pick(contents, question);
  const resized = resize(contents, sizeOf(question.get('frames')));
  const growing = new Growing();
  const by = question.get('by');
  if (by) growBy(contents, picked, resized, joins(question), by, growing);
  else grow(contents, picked, new Places(contents, resized, joins(question), growing), growing);
  return { ...headingOf(picked), frames: resized.frames, ...growing.finish() };
}

function grow(
  contents: Contents,
  { rows, column }: Picked,
  places: Places,
  growing: Growing,
  side = 0,
): void {
  const values = contents.values[column] as Float64Array;
  for (const row of rows)
    growing.add(places.place(contents.rowNode[row] as number), values[row] as number, side);
}

/** A root for each value of a key. */
function growBy(
  contents: Contents,
  { rows, column }: Picked,
  resized: Resized,
  areJoined: boolean,
  by: string,
  growing: Growing,
): void {
  const values = contents.values[column] as Float64Array;
  const below = new Map<string, Places>();
  for (const row of rows) {
    const value = valueOfKey(
      contents,
      contents.rowLabel[row] as number,
      contents.rowGroup[row] as number,
      by,
    );
    let places = below.get(value);
    if (!places) {
      const frame = resized.frames.name.push(value === '' ? '(none)' : value) - 1;
      resized.frames.file.push('');
      resized.frames.line.push(0);
      resized.frames.kind.push('group');
      resized.frames.package.push('');
      places = new Places(contents, resized, areJoined, growing, growing.node(0, frame));
      below.set(value, places);
    }
    growing.add(places.place(contents.rowNode[row] as number), values[row] as number);
  }
}

/** Answers `/diff`. */
export function differenceOf(contents: Contents, question: URLSearchParams): Tree {
  const resized = resize(contents, sizeOf(question.get('frames')));
  const growing = new Growing(2);
  const places = new Places(contents, resized, joins(question), growing);
  const [a, b] = (['a', 'b'] as const).map((side, index) => {
    const picked = pick(contents, new URLSearchParams(question.get(side) ?? ''));
    grow(contents, picked, places, growing, index);
    return picked;
  });
  return {
    ...headingOf((a?.total ? a : b) as Picked),
    total: a?.total ?? 0,
    frames: resized.frames,
    ...growing.finish(),
  };
}

/** Answers `/sandwich`: callers, then callees. A stack in which the function is twice counts once, from its outermost place. */
export function sandwichOf(contents: Contents, question: URLSearchParams): [callers: Tree, callees: Tree] {
  const tree = treeOf(contents, question);
  const [name, file] = [question.get('name') ?? '', question.get('file') ?? ''];
  const isIt = tree.frames.name.map(
    (own, index) => own === name && (file === '' || tree.frames.file[index] === file),
  );
  const [callers, callees] = [new Growing(), new Growing()];
  /** The node of `callees` for each node at or below the function; 0 for others. */
  const below = new Uint32Array(tree.parent.length);
  for (let node = 1; node < tree.parent.length; node++) {
    const above = tree.parent[node] as number;
    const frame = tree.frame[node] as number;
    const inside = below[above] as number;
    if (inside === 0 && !isIt[frame]) continue;
    below[node] = callees.node(inside, frame);
    callees.add(below[node] as number, tree.selfValues[node] as number);
    if (inside !== 0) continue;
    let place = callers.node(0, frame);
    for (let caller = above; caller !== 0; caller = tree.parent[caller] as number)
      place = callers.node(place, tree.frame[caller] as number);
    callers.add(place, tree.totalValues[node] as number);
  }
  const finished = (side: Growing): Tree => {
    const columns = side.finish();
    return { ...tree, total: columns.totalValues[0] as number, ...columns };
  };
  return [finished(callers), finished(callees)];
}
