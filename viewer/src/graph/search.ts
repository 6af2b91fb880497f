import type { Frames, Tree } from '../api/tree.js';
import { searchFor } from '../format/search-text.js';

/** 1 for each frame that a search finds, and for each run that has such a frame. An empty text matches nothing. */
export function matchFrames({ name, file, package: packages, runs }: Frames, text: string): Uint8Array {
  const finds = searchFor(text);
  if (!finds) return new Uint8Array(name.length);
  const matched = Uint8Array.from(name, (called, frame) =>
    Number(finds({ name: called, file: file[frame] ?? '', package: packages[frame] ?? '' })),
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
