import type { Selection } from '../profile/choose';
import { type FrameKind, threadOf } from '../profile/model';

/** A box of a flame graph: a function in the place of its callers. */
export interface FlameNode {
  name: string;
  /** File and line of the function, or the binary it is in. */
  place: string;
  kind: FrameKind | 'thread';
  value: number;
  children: Map<string, FlameNode>;
}

/** Merges stacks from the root: first the thread, then the frames. `thread` keeps one thread only. */
export function buildFlameTree(selection: Selection, thread: string | undefined): FlameNode {
  const root = makeNode('all', '', 'thread');
  for (const { sample, value } of selection.samples) {
    const name = threadOf(sample);
    if (thread !== undefined && name !== thread) continue;
    root.value += value;
    let node = childOf(root, name, '', 'thread');
    node.value += value;
    for (let index = sample.frames.length - 1; index >= 0; index--) {
      const frame = sample.frames[index];
      if (!frame) continue;
      const file = frame.file || frame.module;
      node = childOf(node, frame.name, frame.startLine > 0 ? `${file}:${frame.startLine}` : file, frame.kind);
      node.value += value;
    }
  }
  return root;
}

function childOf(parent: FlameNode, name: string, place: string, kind: FlameNode['kind']): FlameNode {
  const key = `${name}\0${place}`;
  let child = parent.children.get(key);
  if (!child) {
    child = makeNode(name, place, kind);
    parent.children.set(key, child);
  }
  return child;
}

function makeNode(name: string, place: string, kind: FlameNode['kind']): FlameNode {
  return { name, place, kind, value: 0, children: new Map() };
}
