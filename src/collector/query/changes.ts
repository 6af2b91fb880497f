import { EverflameError } from '../../engine';
import { type DiffTree, type Requests, readDiffTree } from './tree-bytes';

/** What ran in a function itself, and with what it called. */
export interface Cost {
  self: number;
  total: number;
}

/** A function, line, file or package, and how its cost has changed from A to B. */
export interface Change {
  name: string;
  file: string;
  /** 0 where it is not known, and of files and packages. */
  line: number;
  kind: string;
  package: string;
  /** In the unit of the type, as they are. */
  a: Cost;
  b: Cost;
  /** B less A, with A scaled. */
  change: Cost;
}

/** The sum of a selection, how long its profiles last together, and how many requests came meanwhile, where that is known. */
export interface Side {
  total: number;
  seconds: number;
  requests?: number;
}

/** What A is taken for: as much time as B's profiles last, as many requests as came in it, or as it is. */
export type Scale = 'time' | 'requests' | 'none';

/** Two selections beside each other. */
export interface Changes {
  type: string;
  unit: string;
  a: Side;
  b: Side;
  /** What A's values are multiplied by to be of as much time as B's, or as many requests: 1 where they are taken as they are. */
  scale: number;
  /** Blocks that could not be read and are in no figure. */
  damaged: number;
  /** The largest changes first. */
  rows: Change[];
}

/** By what the largest changes are told. */
export type Order = keyof Cost;

export interface ChangeOptions {
  /** By time: if both tell how long they last. By requests: both have to tell. */
  scale: Scale;
  order: Order;
  /** What the profiles do not tell themselves, as they were added up before. */
  told?: { a: ToldOfSide; b: ToldOfSide };
}

/** How long profiles last, and how many requests came. */
export interface ToldOfSide {
  seconds?: number;
  requests?: Requests;
}

/**
 * Rows out of the answer of `/diff`. A stack counts once for each name in it, recursive or not. Throws an EverflameError where it is
 * to be by requests and a side does not tell how many.
 */
export function changesOf(bytes: Buffer, { scale: by, order, told }: ChangeOptions): Changes {
  const tree = readDiffTree(bytes);
  const { heading } = tree;
  const { type, unit, total, totalB, damaged } = heading;
  const { seconds = heading.seconds, requests = heading.requests } = told?.a ?? {};
  const { seconds: secondsB = heading.secondsB, requests: requestsB = heading.requestsB } = told?.b ?? {};
  const amounts = by === 'requests' ? [countOf('A', requests), countOf('B', requestsB)] : [seconds, secondsB];
  const [amount = 0, amountB = 0] = by === 'none' || amounts.includes(0) ? [1, 1] : amounts;
  // Divided last: whole numbers of which one is a multiple of the other then differ by nothing.
  const scaled = (value: number): number => (value * amountB) / amount;
  const other: Order = order === 'self' ? 'total' : 'self';
  const rows = rowsOf(tree, scaled).sort(
    (x, y) =>
      Math.abs(y.change[order]) - Math.abs(x.change[order]) ||
      Math.abs(y.change[other]) - Math.abs(x.change[other]) ||
      compare(x.name, y.name) ||
      compare(x.file, y.file) ||
      x.line - y.line,
  );
  return {
    type,
    unit,
    a: { total, seconds, ...counted(requests) },
    b: { total: totalB, seconds: secondsB, ...counted(requestsB) },
    scale: amountB / amount,
    damaged,
    rows,
  };
}

function countOf(side: string, requests: Requests): number {
  if ('count' in requests) return requests.count;
  throw new EverflameError(
    'BAD_QUERY',
    `${side} cannot be divided by its requests: ${requests.reason}. Compare by time`,
  );
}

function counted(requests: Requests): { requests?: number } {
  return 'count' in requests ? { requests: requests.count } : {};
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rowsOf(tree: DiffTree, scaled: (value: number) => number): Change[] {
  const { name, file, line, kind, package: packages } = tree.heading.frames;
  const [a, b] = [sums(tree, tree.self, tree.total), sums(tree, tree.selfB, tree.totalB)];
  const row = (frame: Omit<Change, 'a' | 'b' | 'change'>, from: Cost, to: Cost): Change => ({
    ...frame,
    a: from,
    b: to,
    change: { self: to.self - scaled(from.self), total: to.total - scaled(from.total) },
  });
  const rows = name.map((own, index) =>
    row(
      {
        name: own,
        file: file[index] as string,
        line: line[index] as number,
        kind: kind[index] as string,
        package: packages[index] as string,
      },
      a[index] as Cost,
      b[index] as Cost,
    ),
  );
  // Samples without a stack end at the root.
  const [bare, bareB] = [tree.self[0] ?? 0, tree.selfB[0] ?? 0];
  if (bare === 0 && bareB === 0) return rows;
  const frame = { name: '(no stack)', file: '', line: 0, kind: 'group', package: '' };
  return [...rows, row(frame, { self: bare, total: bare }, { self: bareB, total: bareB })];
}

/** Of each frame. The total of a node counts where no node above it is of the same frame. */
function sums({ heading, parent, frame }: DiffTree, self: Float64Array, total: Float64Array): Cost[] {
  const costs = heading.frames.name.map((): Cost => ({ self: 0, total: 0 }));
  const [first, next] = children(parent);
  const depth = new Uint32Array(costs.length);
  for (let node = first[0] as number, leaves = false; node !== 0; ) {
    const index = frame[node] as number;
    if (!leaves) {
      const cost = costs[index] as Cost;
      cost.self += self[node] as number;
      if (depth[index] === 0) cost.total += total[node] as number;
      depth[index] = (depth[index] as number) + 1;
      if (first[node] !== 0) {
        node = first[node] as number;
        continue;
      }
    }
    depth[index] = (depth[index] as number) - 1;
    leaves = next[node] === 0;
    node = (leaves ? parent[node] : next[node]) as number;
  }
  return costs;
}

/** First child and next sibling of each node; 0, the root, for none. */
function children(parent: Uint32Array): [first: Uint32Array, next: Uint32Array] {
  const [first, next] = [new Uint32Array(parent.length), new Uint32Array(parent.length)];
  for (let node = parent.length - 1; node > 0; node--) {
    const above = parent[node] as number;
    next[node] = first[above] as number;
    first[above] = node;
  }
  return [first, next];
}
