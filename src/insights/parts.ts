import { isTheirs } from './frames';
import type { Frame, Stacks, Test } from './stacks';

/** A function with its part of a whole. */
export interface Part {
  frame: Frame;
  value: number;
}

/** The part of stacks that runs below certain frames. */
export interface Within {
  value: number;
  /** The outermost frames that were found, with the most first. */
  frames: Part[];
  /** The functions of the program or of a package that called them, nearest first to be named; those with the most first. */
  callers: Part[];
}

/** Which frames are meant, and below which others they are not. */
export interface Where {
  is: Test;
  /** Nothing below one of these counts: it is another rule's. */
  notBelow?: Test;
  /** Set, only what has one of these above it counts. */
  below?: Test;
}

/**
 * Adds up what runs in frames that are meant or below them. A stack counts once, at the outermost of them.
 */
export function within(stacks: Stacks, { is, notBelow, below }: Where): Within {
  const { parent, frame, totals } = stacks;
  const meant = stacks.passing(is);
  const barred = notBelow && stacks.passing(notBelow);
  const needed = below && stacks.passing(below);
  const theirs = stacks.passing(isTheirs);
  /** Of each node: whether it is at or below a frame that is meant or barred, below one that is needed, and the caller to name. */
  const closed = new Uint8Array(parent.length);
  const open = new Uint8Array(parent.length);
  const nearest = new Int32Array(parent.length).fill(-1);
  const [frames, callers] = [new Sums(stacks), new Sums(stacks)];
  let value = 0;
  open[0] = needed ? 0 : 1;
  for (let node = 1; node < parent.length; node++) {
    const [above, at] = [parent[node] as number, frame[node] as number];
    closed[node] = closed[above] as number;
    open[node] = open[above] as number;
    nearest[node] = nearest[above] as number;
    if (!closed[node]) {
      if (meant[at] && open[above]) {
        const total = totals[node] as number;
        closed[node] = 1;
        value += total;
        frames.add(at, total);
        if ((nearest[node] as number) >= 0) callers.add(nearest[node] as number, total);
      } else if (barred?.[at] || (meant[at] && needed)) {
        // What is loaded at the start loads all below it.
        closed[node] = 1;
      }
    }
    if (needed?.[at]) open[node] = 1;
    if (theirs[at]) nearest[node] = at;
  }
  return { value, frames: frames.largest(), callers: callers.largest() };
}

/** Frames named in a finding. */
const MOST_PARTS = 5;

class Sums {
  private readonly sums = new Map<number, number>();

  constructor(private readonly stacks: Stacks) {}

  add(frame: number, value: number): void {
    this.sums.set(frame, (this.sums.get(frame) ?? 0) + value);
  }

  largest(): Part[] {
    return [...this.sums]
      .filter(([, value]) => value > 0)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_PARTS)
      .map(([frame, value]) => ({ frame: this.stacks.frames[frame] as Frame, value }));
  }
}
