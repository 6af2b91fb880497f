import type { Frames } from '../api/tree.js';

const known = new WeakMap<Frames, Uint32Array>();

/**
 * The place of each frame when all are sorted by name, then file, then line. The order does not depend on the values, so a live graph that is drawn
 * anew each second grows and shrinks in place; sorted by total, neighbours would change places with every sample.
 */
export function frameOrder(frames: Frames): Uint32Array {
  let places = known.get(frames);
  if (places) return places;
  const { name, file, line } = frames;
  const sorted = Uint32Array.from(name, (_, frame) => frame).sort(
    (a, b) =>
      compare(name[a] as string, name[b] as string) ||
      compare(file[a] as string, file[b] as string) ||
      (line[a] as number) - (line[b] as number),
  );
  places = new Uint32Array(sorted.length);
  for (let place = 0; place < sorted.length; place++) places[sorted[place] as number] = place;
  known.set(frames, places);
  return places;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
