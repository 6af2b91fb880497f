import type { Selection } from '../profile/choose';
import { type Frame, type FrameKind, threadOf } from '../profile/model';

/** A box of a flame graph: a function in the place of its callers. */
export interface FlameNode {
  name: string;
  /** File and line of the function, or the binary it is in. */
  place: string;
  kind: FrameKind | 'thread';
  value: number;
  children: Map<string, FlameNode>;
}

/** A flame graph, and the sum of what is below zero: a box has no width for it. */
export interface FlameTree {
  root: FlameNode;
  lost: number;
}

/** Merges stacks from the root: first the thread, then the frames. `thread` keeps one thread only. */
export function buildFlameTree(selection: Selection, thread: string | undefined): FlameTree {
  let lost = 0;
  const root = makeNode({ name: 'all', place: '', kind: 'thread' });
  // A frame is one object however many stacks hold it, so its box is described once.
  const boxes = new Map<Frame, Box>();
  for (const { sample, value } of selection.samples) {
    const name = threadOf(sample);
    if (thread !== undefined && name !== thread) continue;
    if (value < 0) {
      lost += value;
      continue;
    }
    root.value += value;
    let node = childOf(root, { key: name, name, place: '', kind: 'thread' });
    node.value += value;
    for (let index = sample.frames.length - 1; index >= 0; index--) {
      const frame = sample.frames[index] as Frame;
      let box = boxes.get(frame);
      if (!box) {
        box = describe(frame);
        boxes.set(frame, box);
      }
      node = childOf(node, box);
      node.value += value;
    }
  }
  return { root, lost };
}

type Box = Pick<FlameNode, 'name' | 'place' | 'kind'> & { key: string };

function describe({ name, file, module, startLine, kind }: Frame): Box {
  const place = startLine > 0 ? `${file || module}:${startLine}` : file || module;
  return { key: `${name}\0${place}`, name, place, kind };
}

function childOf(parent: FlameNode, box: Box): FlameNode {
  let child = parent.children.get(box.key);
  if (!child) {
    child = makeNode(box);
    parent.children.set(box.key, child);
  }
  return child;
}

function makeNode({ name, place, kind }: Omit<Box, 'key'>): FlameNode {
  return { name, place, kind, value: 0, children: new Map() };
}
