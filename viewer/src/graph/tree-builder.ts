import { type Frames, NO_FRAME, type Tree } from '../api/tree.js';
import { leftOut } from './left-out.js';

/** The values of a selection: what stands for the nodes themselves, in the source and in the tree being built. */
interface Selection {
  sourceSelf: Float64Array;
  /** What was left out below each node of the source. */
  sourceRest: Float64Array;
  self: Float64Array;
  rest: Float64Array;
}

/**
 * Builds a tree from another one's values. Nodes with the same parent and frame are one node. Every total follows from what is added, so a tree in which
 * every node of the source was added once has the source's total.
 */
export class TreeBuilder {
  private readonly selections: Selection[];
  /** A hash table of nodes by parent and frame; 0, which is nobody's child, marks a free place. */
  private slots: Uint32Array;
  private parents: Uint32Array;
  private frameOf: Uint32Array;
  private count = 1;

  constructor(
    private readonly source: Tree,
    private readonly frames: Frames = source.frames,
  ) {
    const { parent, selfValues, totalValues, selfValuesB, totalValuesB } = source;
    this.selections = [selection(parent, selfValues, totalValues)];
    if (selfValuesB && totalValuesB) this.selections.push(selection(parent, selfValuesB, totalValuesB));
    this.parents = new Uint32Array(parent.length);
    this.frameOf = new Uint32Array(parent.length);
    this.frameOf[0] = NO_FRAME;
    this.slots = emptySlots(parent.length);
  }

  /** The child of `parent` with this frame; made when there is none. */
  child(parent: number, frame: number): number {
    const slot = this.slotOf(parent, frame);
    const known = this.slots[slot] as number;
    if (known > 0) return known;
    const node = this.count++;
    if (node === this.parents.length) this.grow();
    this.parents[node] = parent;
    this.frameOf[node] = frame;
    this.slots[this.slotOf(parent, frame)] = node;
    return node;
  }

  parent(node: number): number {
    return this.parents[node] as number;
  }

  frame(node: number): number {
    return this.frameOf[node] as number;
  }

  /** Adds the self of a node of the source, and what was left out below it. */
  add(node: number, sourceNode: number): void {
    this.addSelf(node, sourceNode);
    this.addRest(node, sourceNode);
  }

  addSelf(node: number, sourceNode: number): void {
    for (const { self, sourceSelf } of this.selections) {
      self[node] = (self[node] as number) + (sourceSelf[sourceNode] as number);
    }
  }

  addRest(node: number, sourceNode: number): void {
    for (const { rest, sourceRest } of this.selections) {
      rest[node] = (rest[node] as number) + (sourceRest[sourceNode] as number);
    }
  }

  /** The self of a node of the source becomes a part of what is left out below the node. */
  leaveOut(node: number, sourceNode: number): void {
    for (const { rest, sourceSelf } of this.selections) {
      rest[node] = (rest[node] as number) + (sourceSelf[sourceNode] as number);
    }
  }

  /** The tree of what was added. The builder is of no use afterwards. */
  finish(): Tree {
    const parent = this.parents.slice(0, this.count);
    const [a, b] = this.selections.map(({ self, rest }) => {
      const own = self.slice(0, this.count);
      return { self: own, total: sumUp(parent, own, rest) };
    });
    const { self, total } = a as { self: Float64Array; total: Float64Array };
    return {
      ...this.source,
      frames: this.frames,
      total: total[0] as number,
      parent,
      frame: this.frameOf.slice(0, this.count),
      selfValues: self,
      totalValues: total,
      ...(b && { selfValuesB: b.self, totalValuesB: b.total }),
    };
  }

  private slotOf(parent: number, frame: number): number {
    const mask = this.slots.length - 1;
    const hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame + 1, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const node = this.slots[slot] as number;
      if (node === 0 || (this.parents[node] === parent && this.frameOf[node] === frame)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    const length = this.parents.length * 2;
    this.parents = larger(this.parents, new Uint32Array(length));
    this.frameOf = larger(this.frameOf, new Uint32Array(length));
    for (const selection of this.selections) {
      selection.self = larger(selection.self, new Float64Array(length));
      selection.rest = larger(selection.rest, new Float64Array(length));
    }
    this.slots = emptySlots(length);
    for (let node = 1; node < this.count - 1; node++) {
      this.slots[this.slotOf(this.parents[node] as number, this.frameOf[node] as number)] = node;
    }
  }
}

/** At the most half full, so that a search ends soon. */
function emptySlots(nodes: number): Uint32Array {
  return new Uint32Array(2 ** Math.ceil(Math.log2(nodes * 2 + 1)));
}

function larger<Column extends Uint32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

function selection(parent: Uint32Array, sourceSelf: Float64Array, sourceTotal: Float64Array): Selection {
  const sourceRest = leftOut(parent, sourceSelf, sourceTotal);
  const { length } = parent;
  return { sourceSelf, sourceRest, self: new Float64Array(length), rest: new Float64Array(length) };
}

function sumUp(parent: Uint32Array, self: Float64Array, rest: Float64Array): Float64Array {
  const total = new Float64Array(parent.length);
  for (let node = parent.length - 1; node >= 0; node--) {
    const value = (total[node] as number) + (self[node] as number) + (rest[node] as number);
    total[node] = value;
    if (node > 0) total[parent[node] as number] = (total[parent[node] as number] as number) + value;
  }
  return total;
}
