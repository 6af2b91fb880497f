/**
 * Whose code a frame is. `group` is no frame of a stack: it is the value of the key that a tree was asked to be divided by.
 */
export type FrameKind = 'app' | 'package' | 'node' | 'native' | 'gc' | 'group';

/** Frames as columns: index `i` of each belongs to one frame. All texts come from profiles and are not to be trusted. */
export interface Frames {
  name: string[];
  file: string[];
  /** Executing line or first line, as `frames` of the question says; 0: not known. */
  line: number[];
  kind: FrameKind[];
  /** npm package, `node`, a native module or `(your code)`. */
  package: string[];
  /** By the index of a frame that stands for a run of others: these, the outermost first. The collector answers with none. */
  runs?: ReadonlyMap<number, readonly number[]>;
}

/** `frame` of the root. */
export const NO_FRAME = 0xffffffff;

/** How many requests came while profiles were taken; else why nothing can be divided by that, as a part of a sentence. */
export type Requests = { count: number } | { reason: string };

/** A tree of merged stacks, decoded from `/tree`, `/diff` or `/sandwich`. */
export interface Tree {
  /** Kind of value, such as `cpu` or `inuse_space`. */
  type: string;
  /** `nanoseconds`, `bytes` or `count`. */
  unit: string;
  total: number;
  /** Sum of the durations of the profiles found. */
  seconds: number;
  /** First and last instant of the profiles found, milliseconds since the epoch. */
  from: number;
  to: number;
  /** Nodes that the collector left out; their values are in the totals above them. */
  omitted: number;
  frames: Frames;
  /** Index of the node above, smaller than the node's own. Node 0 is the root and its own parent. */
  parent: Uint32Array;
  /** Index into `frames`, `NO_FRAME` for the root. */
  frame: Uint32Array;
  /** Of samples that end at the node. */
  selfValues: Float64Array;
  /** With everything below, and with what was left out below. */
  totalValues: Float64Array;
  /** Of selection `b`, in a difference only. */
  selfValuesB?: Float64Array;
  totalValuesB?: Float64Array;
  /** Of both selections, in a difference that a collector has made. */
  requests?: { a: Requests; b: Requests };
}
