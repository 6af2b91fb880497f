import type { Frames, Tree } from '../api/tree.js';

/**
 * 1 for each frame whose name, file or package holds the text, in upper or lower case, and for each run that has such a frame. An empty
 * text matches nothing.
 */
export function matchFrames({ name, file, package: packages, runs }: Frames, text: string): Uint8Array {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return new Uint8Array(name.length);
  const holds = (field: string | undefined) => field?.toLowerCase().includes(wanted);
  const matched = Uint8Array.from(name, (called, frame) =>
    Number(holds(called) || holds(file[frame]) || holds(packages[frame])),
  );
  for (const [frame, run] of runs ?? []) matched[frame] = Number(run.some((one) => matched[one]));
  return matched;
}

/** Totals of the stacks that hold a matched frame. A match inside another counts once. */
export function matchedTotal(tree: Tree, matched: Uint8Array): { total: number; totalB: number } {
  const { parent, frame, totalValues, totalValuesB } = tree;
  const inside = new Uint8Array(parent.length);
  let total = 0;
  let totalB = 0;
  for (let node = 1; node < parent.length; node++) {
    inside[node] = inside[parent[node] as number] as number;
    if (inside[node] || !matched[frame[node] as number]) continue;
    inside[node] = 1;
    total += totalValues[node] as number;
    totalB += totalValuesB?.[node] ?? 0;
  }
  return { total, totalB };
}
