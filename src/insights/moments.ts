import { readContainer } from './container';
import { type Frame, framesOf } from './stacks';

/** Single samples of threads as they came, from `/timeline`. */
export interface Moments {
  frames: readonly Frame[];
  /** Node 0 is the root of all stacks, and each node comes behind the one that called it. */
  parent: Uint32Array;
  frame: Uint32Array;
  /** In the order of threads, and of time within one. */
  samples: Moment[];
  /** Of each thread, the id of its process; empty where the client does not tell. */
  processes: readonly string[];
  /** Samples that were left out as there are too many. */
  omitted: number;
}

/** A sample: it reaches from `end` − `wall` to `end`. */
export interface Moment {
  /** Number of its thread. */
  lane: number;
  node: number;
  /** Milliseconds since the epoch. */
  end: number;
  /** Milliseconds. */
  wall: number;
  cpu: number;
}

interface Heading {
  from: number;
  omitted: number;
  frames: Parameters<typeof framesOf>[0];
  lanes: { kind: string; runtimeId: string }[];
}

const MILLISECOND = 1e6;

/** Reads an answer of `/timeline`, without events: they have durations of their own and are no samples. */
export function readMoments(bytes: Buffer): Moments {
  const { heading, whole, numbers } = readContainer<Heading>(bytes);
  const [lane, node] = [whole('lane'), whole('node')];
  const [end, wall, cpu] = [numbers('end'), numbers('wall'), numbers('cpu')];
  const samples: Moment[] = [];
  for (let index = 0; index < lane.length; index++) {
    const at = lane[index] as number;
    if (heading.lanes[at]?.kind !== 'thread') continue;
    samples.push({
      lane: at,
      node: node[index] as number,
      end: heading.from + (end[index] as number),
      wall: (wall[index] as number) / MILLISECOND,
      cpu: (cpu[index] as number) / MILLISECOND,
    });
  }
  return {
    frames: framesOf(heading.frames),
    parent: whole('parent'),
    frame: whole('frame'),
    samples,
    processes: heading.lanes.map(({ runtimeId }) => runtimeId),
    omitted: heading.omitted,
  };
}
