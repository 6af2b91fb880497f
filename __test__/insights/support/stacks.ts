import { type Frame, Stacks } from '#src/insights/stacks.js';

const NO_FRAME = 0xffffffff;

/** Stacks from their roots to their leaves, each with what it counts. */
export function stacksFrom(stacks: readonly [path: readonly Frame[], value: number][]): Stacks {
  const frames: Frame[] = [];
  const nodes = [{ parent: 0, frame: NO_FRAME, own: 0, total: 0, below: new Map<string, number>() }];
  for (const [path, value] of stacks) {
    let at = 0;
    for (const frame of path) {
      const node = nodes[at] as (typeof nodes)[0];
      node.total += value;
      const key = `${frame.name}\n${frame.file}`;
      const known = node.below.get(key);
      const next = known ?? nodes.length;
      if (known === undefined) {
        let index = frames.findIndex(({ name, file }) => name === frame.name && file === frame.file);
        if (index < 0) index = frames.push(frame) - 1;
        nodes.push({ parent: at, frame: index, own: 0, total: 0, below: new Map() });
        node.below.set(key, next);
      }
      at = next;
    }
    const leaf = nodes[at] as (typeof nodes)[0];
    leaf.total += value;
    leaf.own += value;
  }
  return new Stacks(
    frames,
    Uint32Array.from(nodes, ({ parent }) => parent),
    Uint32Array.from(nodes, ({ frame }) => frame),
    Float64Array.from(nodes, ({ own }) => own),
    Float64Array.from(nodes, ({ total }) => total),
  );
}
