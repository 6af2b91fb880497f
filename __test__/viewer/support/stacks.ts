import type { Tree } from '../../../viewer/src/api/tree.js';

/** Frames of a stack from the root on, and what a sample in it counts. */
export interface Stack {
  frames: number[];
  /** Of what was left out below the last frame, not of samples that ended there. */
  leftOut: boolean;
  a: number;
  b: number;
}

/** A tree taken apart without any of the code under test: one stack for each node, and one for what was left out below it. */
export function stacksOf(tree: Tree): Stack[] {
  const stacks: Stack[] = [];
  const nodes = Array.from(tree.parent.keys());
  const rest = (self: Float64Array, total: Float64Array, node: number) =>
    nodes
      .filter((child) => child > 0 && tree.parent[child] === node)
      .reduce(
        (left, child) => left - (total[child] as number),
        (total[node] as number) - (self[node] as number),
      );
  for (const node of nodes) {
    const frames: number[] = [];
    for (let at = node; at > 0; at = tree.parent[at] as number) frames.unshift(tree.frame[at] as number);
    stacks.push({
      frames,
      leftOut: false,
      a: tree.selfValues[node] as number,
      b: tree.selfValuesB?.[node] ?? 0,
    });
    stacks.push({
      frames,
      leftOut: true,
      a: rest(tree.selfValues, tree.totalValues, node),
      b: tree.selfValuesB && tree.totalValuesB ? rest(tree.selfValuesB, tree.totalValuesB, node) : 0,
    });
  }
  return stacks;
}

/** Stacks by the names of their frames, with equal ones added up and empty ones left away: what two trees are compared by. */
export function folded(tree: Tree, stacks = stacksOf(tree)): Record<string, [number, number]> {
  const { name, file, line } = tree.frames;
  const sums = new Map<string, [number, number]>();
  for (const { frames, leftOut, a, b } of stacks) {
    if (a === 0 && b === 0) continue;
    const key = [
      ...frames.map((frame) => `${name[frame]} ${file[frame]}:${line[frame]}`),
      ...(leftOut ? ['…'] : []),
    ].join(';');
    const [sumA, sumB] = sums.get(key) ?? [0, 0];
    sums.set(key, [sumA + a, sumB + b]);
  }
  return Object.fromEntries([...sums].sort(([x], [y]) => (x < y ? -1 : 1)));
}
