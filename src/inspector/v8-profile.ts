/** The part of V8's CPU profile that is read here (Chrome DevTools Protocol, domain Profiler). Times are microseconds. */
export interface V8Profile {
  nodes: V8Node[];
  startTime: number;
  endTime: number;
  /** Node of each sample. */
  samples?: number[];
  /** Time of each sample since the one before it; the first since `startTime`. */
  timeDeltas?: number[];
}

export interface V8Node {
  id: number;
  callFrame: {
    functionName: string;
    url: string;
    /** `0` for what is no script: V8's own states. */
    scriptId: string;
    /** Both count from 0; -1 where there is none. */
    lineNumber: number;
    columnNumber: number;
  };
  children?: number[];
  /** How many samples of this node, as a leaf, fell on which line (from 1). */
  positionTicks?: { line: number; ticks: number }[];
}

/** What one JavaScript thread hands over at the end of a period. */
export interface ThreadPeriod {
  threadId: number;
  /** Thread number of the operating system, or `NA` where it has none to show. */
  osThreadId: string;
  /** Nanoseconds since the epoch at which the period began. */
  startNanoseconds: bigint;
  /** CPU time of the thread in the period, where this Node.js can tell. */
  cpuNanoseconds: number | undefined;
  profile: V8Profile;
}
