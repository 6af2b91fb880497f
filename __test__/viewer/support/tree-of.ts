import { type FrameKind, NO_FRAME, type Tree } from '../../../viewer/src/api/tree.js';

/**
 * A tree of these stacks, each from root to leaf with what it counts itself.
 * @param frames by name
 */
export function treeOf<Name extends string>(
  frames: Record<Name, { kind: FrameKind }>,
  stacks: readonly [stack: readonly Name[], value: number][],
): Tree {
  const names = Object.keys(frames) as Name[];
  const parent = [0];
  const frame = [NO_FRAME];
  const self = [0];
  const total = [0];
  for (const [stack, value] of stacks) {
    let at = 0;
    total[0] = (total[0] as number) + value;
    for (const name of stack) {
      const own = names.indexOf(name);
      let child = parent.findIndex((above, node) => node > 0 && above === at && frame[node] === own);
      if (child < 0) {
        child = parent.push(at) - 1;
        frame.push(own);
        self.push(0);
        total.push(0);
      }
      at = child;
      total[at] = (total[at] as number) + value;
    }
    self[at] = (self[at] as number) + value;
  }
  return {
    type: 'cpu',
    unit: 'nanoseconds',
    total: total[0] as number,
    seconds: 1,
    from: 0,
    to: 1000,
    omitted: 0,
    frames: {
      name: names,
      file: names.map(() => ''),
      line: names.map(() => 0),
      kind: names.map((name) => frames[name].kind),
      package: names.map(() => ''),
    },
    parent: Uint32Array.from(parent),
    frame: Uint32Array.from(frame),
    selfValues: Float64Array.from(self),
    totalValues: Float64Array.from(total),
  };
}
