import type { Frames, Tree } from '../api/tree.js';
import { NO_FRAME } from '../api/tree.js';
import { FRAME_SIZES, type FrameSize } from '../state/view.js';
import type { Contents } from './contents.js';

/** More than a report has: a node and a frame make one whole number. */
const MOST_FRAMES = 2 ** 26;

/** A tree that grows: a node for each path. */
export class Growing {
  readonly parent = [0];
  readonly frame: number[] = [NO_FRAME];
  private readonly self: number[][];
  /** By the node above and the frame. */
  private readonly nodes = new Map<number, number>();

  /** `sides` is the number of selections that are compared. */
  constructor(sides = 1) {
    this.self = Array.from({ length: sides }, () => [0]);
  }

  node(parent: number, frame: number): number {
    const key = parent * MOST_FRAMES + frame;
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node = this.parent.push(parent) - 1;
    this.frame.push(frame);
    for (const side of this.self) side.push(0);
    this.nodes.set(key, node);
    return node;
  }

  add(node: number, value: number, side = 0): void {
    const self = this.self[side] as number[];
    self[node] = (self[node] as number) + value;
  }

  finish(): Pick<Tree, 'parent' | 'frame' | 'selfValues' | 'totalValues' | 'selfValuesB' | 'totalValuesB'> {
    const [a, b] = this.self.map((values) => {
      const selfValues = Float64Array.from(values);
      const totalValues = selfValues.slice();
      for (let node = values.length - 1; node > 0; node--)
        (totalValues[this.parent[node] as number] as number) += totalValues[node] as number;
      return { selfValues, totalValues };
    });
    return {
      parent: Uint32Array.from(this.parent),
      frame: Uint32Array.from(this.frame),
      ...(a as { selfValues: Float64Array; totalValues: Float64Array }),
      ...(b && { selfValuesB: b.selfValues, totalValuesB: b.totalValues }),
    };
  }
}

/** Frames of another size, and which of them each frame of the report is. */
export interface Resized {
  frames: Frames;
  of: Uint32Array;
}

export function sizeOf(text: string | null): FrameSize {
  return FRAME_SIZES.find((size) => size === text) ?? 'function';
}

/** What frames are called in a size: as in the store. */
export function resize({ frames, start }: Contents, size: FrameSize): Resized {
  const resized: Frames = { name: [], file: [], line: [], kind: [], package: [] };
  const known = new Map<string, number>();
  const of = Uint32Array.from(frames.name, (_name, index) => {
    const own = frames.name[index] as string;
    const ownFile = frames.file[index] as string;
    const from = frames.package[index] as string;
    const name = size === 'package' ? from : size === 'file' && ownFile !== '' ? ownFile : own;
    const file = size === 'package' ? '' : ownFile;
    const line =
      size === 'function' ? (start[index] as number) : size === 'line' ? (frames.line[index] as number) : 0;
    const kind = frames.kind[index] as Frames['kind'][number];
    const key = JSON.stringify([name, file, line, kind, from]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const next = resized.name.push(name) - 1;
    resized.file.push(file);
    resized.line.push(line);
    resized.kind.push(kind);
    resized.package.push(from);
    known.set(key, next);
    return next;
  });
  return { frames: resized, of };
}

/** Finds nodes of a growing tree for stacks of the report, below one node. */
export class Places {
  private readonly places = new Map<number, number>();

  constructor(
    private readonly contents: Contents,
    private readonly resized: Resized,
    /** Callers and callees of one file or package are one frame where they follow each other. */
    private readonly joins: boolean,
    private readonly growing: Growing,
    private readonly top = 0,
  ) {}

  place(node: number): number {
    const { contents, growing, places } = this;
    const path: number[] = [];
    let at = node;
    while (at !== 0 && !places.has(at)) {
      path.push(at);
      at = contents.parent[at] as number;
    }
    let place = places.get(at) ?? this.top;
    for (const next of path.reverse()) {
      const frame = this.resized.of[contents.frame[next] as number] as number;
      if (!this.joins || growing.frame[place] !== frame) place = growing.node(place, frame);
      places.set(next, place);
    }
    return place;
  }
}
