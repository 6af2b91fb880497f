import { type Frames, NO_FRAME, type Tree } from '../../api/tree.js';

/** A function as the collector names it. Frames of its several lines are one function. */
export interface FunctionName {
  name: string;
  file: string;
}

/** 1 for each frame that is of the function. */
export function framesOfFunction({ name, file }: Frames, wanted: FunctionName): Uint8Array {
  return Uint8Array.from(name, (text, frame) => Number(text === wanted.name && file[frame] === wanted.file));
}

/** 1 for each frame that is of the package. A `group` is no frame of a stack and belongs to none. */
export function framesOfPackage({ kind, package: packages }: Frames, wanted: string): Uint8Array {
  return Uint8Array.from(packages, (text, frame) => Number(text === wanted && kind[frame] !== 'group'));
}

/** A number for each frame, the same for frames of the same function. */
export function functionNumbers({ name, file }: Frames): Uint32Array {
  // No path holds a NUL, so the last one in a key is the one between name and path.
  const numbers = new Map<string, number>();
  return Uint32Array.from(name, (text, frame) => {
    const key = `${text}\0${file[frame]}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

/** The functions from the outermost frame to that of a node; empty for the root. */
export function pathOf(tree: Tree, node: number): FunctionName[] {
  const path: FunctionName[] = [];
  for (let at = node; at > 0; at = tree.parent[at] as number) {
    const frame = tree.frame[at] as number;
    if (frame !== NO_FRAME) {
      path.push({ name: tree.frames.name[frame] as string, file: tree.frames.file[frame] as string });
    }
  }
  return path.reverse();
}

/**
 * The node that a path leads to, or the last on the way that exists; 0 is the root. Where a function has several frames (lines) below one node, the first
 * that leads further.
 */
export function findPath(tree: Tree, path: readonly FunctionName[]): { node: number; whole: boolean } {
  // How much of the path leads to each node: one pass, because a parent comes before its children.
  const matched = new Int32Array(tree.parent.length).fill(-1);
  matched[0] = 0;
  let best = 0;
  for (let node = 1; node < matched.length; node++) {
    const before = matched[tree.parent[node] as number] as number;
    const step = before < 0 ? undefined : path[before];
    const frame = tree.frame[node] as number;
    if (!step || tree.frames.name[frame] !== step.name || tree.frames.file[frame] !== step.file) continue;
    matched[node] = before + 1;
    if (before + 1 > (matched[best] as number)) best = node;
  }
  return { node: best, whole: matched[best] === path.length };
}
