import type { Lane, TimelineData } from '../../api/timeline.js';
import { type FrameKind, NO_FRAME } from '../../api/tree.js';

/** Whose code a sample ended in, in the order in which they are stacked. */
export const SELF_KINDS = ['app', 'package', 'node', 'native', 'gc'] as const satisfies FrameKind[];

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** The samples of one lane in the order of time. */
export interface LaneSamples {
  lane: Lane;
  /** Index into `TimelineData.lanes`. */
  index: number;
  events: boolean;
  /** Index of each sample in `TimelineData`. */
  sample: Uint32Array;
  /** Milliseconds after `TimelineData.from`. Samples of a thread do not overlap. */
  start: Float64Array;
  end: Float64Array;
  /** Per kind of `SELF_KINDS`: CPU milliseconds of the samples before each one, and at the end of all. Without CPU times in the timeline: wall milliseconds. */
  before: Float64Array[];
  /** Frames of its deepest stack. */
  deepest: number;
}

/** Number of frames of each node's stack. */
export function depths(parent: Uint32Array): Uint32Array {
  const depth = new Uint32Array(parent.length);
  for (let node = 1; node < depth.length; node++) depth[node] = (depth[parent[node] as number] as number) + 1;
  return depth;
}

/** Divides the samples among their lanes, each in the order of time. Lanes without samples are left out. */
export function divide(data: TimelineData): LaneSamples[] {
  const depth = depths(data.parent);
  const kinds = selfKinds(data);
  const busy = data.cpu.some((value) => value > 0) ? data.cpu : data.wall;
  const samples: number[][] = data.lanes.map(() => []);
  for (let sample = 0; sample < data.lane.length; sample++)
    samples[data.lane[sample] as number]?.push(sample);
  return data.lanes.flatMap((lane, index) => {
    const own = samples[index] as number[];
    if (own.length === 0) return [];
    const events = lane.kind === 'event';
    const startOf = (sample: number) =>
      (data.end[sample] as number) - (data.wall[sample] as number) / NANOSECONDS_PER_MILLISECOND;
    // A thread's samples are of one clock and follow each other; events are listed by when they began.
    own.sort(
      events
        ? (a, b) => startOf(a) - startOf(b)
        : (a, b) => (data.end[a] as number) - (data.end[b] as number),
    );
    const sample = Uint32Array.from(own);
    const start = new Float64Array(sample.length);
    const end = new Float64Array(sample.length);
    const before = SELF_KINDS.map(() => new Float64Array(sample.length + 1));
    let deepest = 0;
    for (let at = 0; at < sample.length; at++) {
      const of = sample[at] as number;
      const free = events || at === 0 ? Number.NEGATIVE_INFINITY : (end[at - 1] as number);
      end[at] = data.end[of] as number;
      start[at] = Math.min(end[at] as number, Math.max(free, startOf(of)));
      deepest = Math.max(deepest, depth[data.node[of] as number] as number);
      const own = kinds[data.node[of] as number];
      for (const [kind, sums] of before.entries()) {
        const value = kind === own ? (busy[of] as number) / NANOSECONDS_PER_MILLISECOND : 0;
        sums[at + 1] = (sums[at] as number) + value;
      }
    }
    return [{ lane, index, events, sample, start, end, before, deepest }];
  });
}

/** Index into `SELF_KINDS` for each node; what has no frame counts as native. */
function selfKinds({ frame, frames }: TimelineData): Uint8Array {
  const native = SELF_KINDS.indexOf('native');
  return Uint8Array.from(frame, (of) => {
    const kind =
      of === NO_FRAME ? -1 : (SELF_KINDS as readonly FrameKind[]).indexOf(frames.kind[of] as FrameKind);
    return kind < 0 ? native : kind;
  });
}
