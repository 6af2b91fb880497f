import { type FrameKind, NO_FRAME, type Tree } from '../../../viewer/src/api/tree.js';

/** Numbers from 0 to before 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Shape {
  nodes?: number;
  functions?: number;
  deepest?: number;
  /** Whether a part of the values was left out, as the collector does. */
  leftOut?: boolean;
  difference?: boolean;
}

const KINDS: FrameKind[] = ['app', 'package', 'node', 'native', 'gc'];

/** A tree with whole numbers in which no node has two children of the same frame. Two frames in ten are lines of one function. */
export function randomTree(seed: number, shape: Shape = {}): Tree {
  const { nodes = 300, functions = 20, deepest = 30, leftOut = false, difference = false } = shape;
  const random = randomNumbers(seed);
  const upTo = (limit: number) => Math.floor(random() * limit);
  const parent = new Uint32Array(nodes);
  const frame = new Uint32Array(nodes).fill(NO_FRAME);
  const depth = new Uint32Array(nodes);
  const taken = new Set<string>();
  for (let node = 1; node < nodes; node++) {
    let above: number;
    let called: number;
    do {
      above = random() < 0.6 ? Math.max(0, node - 1 - upTo(10)) : upTo(node);
      called = upTo(functions);
    } while ((depth[above] as number) >= deepest || taken.has(`${above} ${called}`));
    taken.add(`${above} ${called}`);
    parent[node] = above;
    frame[node] = called;
    depth[node] = (depth[above] as number) + 1;
  }
  const values = () => {
    const self = new Float64Array(nodes);
    const total = new Float64Array(nodes);
    for (let node = nodes - 1; node >= 0; node--) {
      if (random() < 0.6) self[node] = upTo(1000);
      const rest = leftOut && random() < 0.2 ? 1 + upTo(500) : 0;
      total[node] = (total[node] as number) + (self[node] as number) + rest;
      if (node > 0)
        total[parent[node] as number] = (total[parent[node] as number] as number) + (total[node] as number);
    }
    return { self, total };
  };
  const a = values();
  const b = values();
  const numbers = Array.from({ length: functions }, (_, index) => index);
  return {
    type: 'cpu',
    unit: 'nanoseconds',
    total: a.total[0] as number,
    seconds: 60,
    from: 0,
    to: 60_000,
    omitted: 0,
    frames: {
      name: numbers.map((index) => `function${((index % 10 < 2 ? index - (index % 10) : index) * 7) % 11}`),
      file: numbers.map((index) => `/app/file${Math.floor(index / 10)}.js`),
      line: numbers.map((index) => index + 1),
      kind: numbers.map((index) => KINDS[index % KINDS.length] as FrameKind),
      package: numbers.map((index) => `package${index % 4}`),
    },
    parent,
    frame,
    selfValues: a.self,
    totalValues: a.total,
    ...(difference && { selfValuesB: b.self, totalValuesB: b.total }),
  };
}

/** The trees over which a law is tried: with and without values left out, of one selection and of two. */
export function manyTrees(shape: Shape = {}): Tree[] {
  return Array.from({ length: 24 }, (_, seed) =>
    randomTree(seed, { leftOut: seed % 2 > 0, difference: seed % 4 > 1, ...shape }),
  );
}
