import type { Frames } from './tree.js';

/** What a row of the timeline stands for: a thread of a process, or one source of events. */
export interface Lane {
  name: string;
  threadId: string;
  runtimeId: string;
  /** Such as `thread` or `event`. */
  kind: string;
}

/** Samples and events by time, decoded from `/timeline`. All texts come from profiles and are not to be trusted. */
export interface TimelineData {
  unit: string;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  /** Samples that the collector left out. */
  omitted: number;
  lanes: Lane[];
  frames: Frames;
  /** Labels of a sample: endpoint, span, kind of event and others. */
  labels: Map<string, string>[];
  /** Tree of all stacks. Node 0 is the root and its own parent; others come behind their parent. */
  parent: Uint32Array;
  /** Index into `frames`, `NO_FRAME` for the root. */
  frame: Uint32Array;
  /** Per sample: index into `lanes`. */
  lane: Uint32Array;
  /** Per sample: index into the tree, the innermost frame. */
  node: Uint32Array;
  /** Per sample: milliseconds after `from`. */
  end: Float64Array;
  /** Per sample: nanoseconds that it stands for; it reaches from `end` - `wall` to `end`. */
  wall: Float64Array;
  /** Per sample: nanoseconds. */
  cpu: Float64Array;
  /** Per sample: index into `labels`. */
  label: Uint32Array;
}
