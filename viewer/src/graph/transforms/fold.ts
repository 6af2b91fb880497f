import { type FrameKind, type Frames, NO_FRAME, type Tree } from '../../api/tree.js';
import { TreeBuilder } from '../tree-builder.js';
import { rebuild } from './rebuild.js';

/** A tree in which runs of frames are one node each, and which node of it each node of the source has become. */
export interface Folded {
  tree: Tree;
  became: Uint32Array;
}

/** Behind the name of the outermost frame: a function and the run that begins with it are then never one. */
const MARK = ' ⋯';

/**
 * Folds the frames of Node.js and of native code that lie above a function of the program or of a package: the start of the process, the
 * event loop, the ways of V8 into JavaScript. Those of one caller that begin with the same frame become one node, whose self
 * is that of all of them. What native code does below the last such function stays: it is what the program waits for or computes.
 * @param keepsFirst leaves the nodes below the root as they are: of a sandwich that is the function itself
 */
export function foldRuns(tree: Tree, keepsFirst = false): Folded {
  const folds = foldable(tree, keepsFirst);
  const { top, inRun } = gather(tree, folds);
  const { frames, frameOf } = withRuns(tree.frames, top, inRun);
  return place(tree, frames, (node) => (folds[node] ? frameOf.get(inRun.of[node] as number) : undefined));
}

/** As `folded`, with some of its runs (nodes of its tree) as they were. */
export function openRuns(tree: Tree, folded: Folded, isOpen: (node: number) => boolean): Folded {
  const { frames, frame } = folded.tree;
  return place(tree, frames, (node) => {
    const run = folded.became[node] as number;
    const own = frame[run] as number;
    return frames.runs?.has(own) && !isOpen(run) ? own : undefined;
  });
}

/** Puts each node into the run that it belongs to, or where it was. A run's frame is that of one place alone. */
function place(tree: Tree, frames: Frames, runOf: (node: number) => number | undefined): Folded {
  const became = new Uint32Array(tree.parent.length);
  const placed = rebuild(
    tree,
    (builder, node, parent) => {
      const run = node === 0 ? undefined : runOf(node);
      let at = parent;
      if (run === undefined) {
        if (node !== 0) at = builder.child(parent, tree.frame[node] as number);
      } else if (builder.frame(parent) !== run) at = builder.child(parent, run);
      became[node] = at;
      return at;
    },
    frames,
  );
  return { tree: placed, became };
}

/** 1 for each node that a run may hold. */
function foldable({ parent, frame, frames }: Tree, keepsFirst: boolean): Uint8Array {
  const kindOf = (node: number): FrameKind | undefined => frames.kind[frame[node] as number];
  const leadsOn = new Uint8Array(parent.length);
  for (let node = parent.length - 1; node > 0; node--) {
    const kind = kindOf(node);
    if (kind === 'app' || kind === 'package') leadsOn[node] = 1;
    if (leadsOn[node]) leadsOn[parent[node] as number] = 1;
  }
  return leadsOn.map((leads, node) => {
    const kind = kindOf(node);
    const isFirst = parent[node] === 0;
    return Number(leads === 1 && (kind === 'native' || kind === 'node') && !(keepsFirst && isFirst));
  });
}

/** The runs of a tree in which all are folded: of which node each node is a part, and what frames they hold. */
interface Runs {
  of: Uint32Array;
  frames: Map<number, Set<number>>;
  /** Those in which a frame calls another: without one it is no run. */
  long: Set<number>;
}

/** Finds the runs, and the outermost frame of each. */
function gather(tree: Tree, folds: Uint8Array): { top: Map<number, number>; inRun: Runs } {
  const { parent, frame } = tree;
  const count = tree.frames.name.length;
  const inRun: Runs = { of: new Uint32Array(parent.length), frames: new Map(), long: new Set() };
  const top = new Map<number, number>();
  // Only places are wanted: nothing is added up.
  const builder = new TreeBuilder(tree);
  const became = new Uint32Array(parent.length);
  for (let node = 1; node < became.length; node++) {
    const own = frame[node] as number;
    const above = became[parent[node] as number] as number;
    const continues = folds[node] && folds[parent[node] as number];
    // A run stands for its place by a number behind those of the frames, until its frames are known.
    const at = continues ? above : builder.child(above, folds[node] ? count + own : own);
    became[node] = at;
    if (!folds[node]) continue;
    inRun.of[node] = at;
    if (continues) inRun.long.add(at);
    else top.set(at, own);
    const held = inRun.frames.get(at) ?? new Set();
    inRun.frames.set(at, held.add(own));
  }
  return { top, inRun };
}

/** The frames with one more for each run. */
function withRuns(
  frames: Frames,
  top: ReadonlyMap<number, number>,
  { frames: held, long }: Runs,
): { frames: Frames; frameOf: ReadonlyMap<number, number> } {
  const frameOf = new Map<number, number>();
  const runs = new Map<number, readonly number[]>();
  const tops: number[] = [];
  for (const [run, content] of held) {
    if (!long.has(run)) continue;
    const frame = frames.name.length + tops.length;
    tops.push(top.get(run) as number);
    frameOf.set(run, frame);
    runs.set(frame, [...content]);
  }
  const more = <Value>(column: Value[]) => [...column, ...tops.map((frame) => column[frame] as Value)];
  return {
    frameOf,
    frames: {
      name: [...frames.name, ...tops.map((frame) => `${frames.name[frame]}${MARK}`)],
      file: more(frames.file),
      line: more(frames.line),
      kind: more(frames.kind),
      package: more(frames.package),
      runs,
    },
  };
}

/** The frames of the run that a node stands for, the outermost first; undefined for a node that is a frame. */
export function runAt({ frame, frames }: Tree, node: number): readonly number[] | undefined {
  const own = frame[node] as number;
  return own === NO_FRAME ? undefined : frames.runs?.get(own);
}

/** What is in a run: `43 native and Node.js frames`. */
export function runText({ kind }: Frames, run: readonly number[]): string {
  const kinds = new Set(run.map((frame) => kind[frame]));
  const whose = [...(kinds.has('native') ? ['native'] : []), ...(kinds.has('node') ? ['Node.js'] : [])];
  return `${run.length} ${whose.join(' and ')} ${run.length === 1 ? 'frame' : 'frames'}`;
}
