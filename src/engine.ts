import type { EngineName } from './config/settings';

/** One finished profile: a `wall.pprof`, compressed with gzip, and the time it covers, in nanoseconds since the epoch. */
export interface Profile {
  data: Buffer;
  startNanoseconds: bigint;
  endNanoseconds: bigint;
  /**
   * Sum of the values of type `sample` in it. The native sampler looks at a sleeping thread once and counts each interval
   * that it slept through, so this is more than the sampler has taken; see `EngineMetrics.counters`.
   */
  samples: number;
  /** Samples that were taken but could not be kept. */
  dropped: number;
  /** Profiles of this process before this one; part of its file name. */
  sequence: number;
}

/** What an engine is started with. */
export interface EngineOptions {
  engine: EngineName;
  /** Name of the signal to use, such as `SIGURG`; the first free one when left out. */
  signal?: string;
  intervalNanoseconds: number;
  maxFrames: number;
  timeline: boolean;
  /** Which times samples have; one of the two at least. */
  wall: boolean;
  cpu: boolean;
  nativeFrames: boolean;
  memoryCapBytes: number;
  /** Frames of generated code are shown as their source maps tell, by the native sampler; true when left out. */
  sourceMaps?: boolean;
  /** Where the native sampler writes the last profile when one of `guardedSignals` ends the process. */
  outputPrefix?: string;
  /** The end of the process by one of these waits for the last profile: in its file, and then for whoever sends it. */
  guardedSignals?: string[];
  /** After that time, and a quarter of it or a second more, the native sampler writes a profile that nobody asked for. */
  periodSeconds?: number;
  /** The native sampler writes each profile before it hands it out, and once a second what there is of the current period. */
  writeAhead?: boolean;
  /** How long the end of the process by a guarded signal may wait for the last profile. */
  exitTimeoutMilliseconds?: number;
  /** A UUID that stands in a comment of each profile: whoever finds one knows by it whose it is (`src/output/process-name.ts`). */
  runtimeId?: string;
  /** The native sampler says nothing on standard error when it cannot write the last profile. */
  quiet?: boolean;
}

/** Which engine won, and why the others did not. */
export interface StartReport {
  engine: string;
  reason: string;
  rejected: { engine: string; reason: string }[];
  /** The signal in use, or an empty string where none is. */
  signal: string;
}

/** A thread that is being profiled. */
export interface ThreadStatus {
  name: string;
  /** 0 for the main thread, the worker's number, or -1 without JavaScript. */
  threadId: number;
  /** The kernel's thread id, where the engine knows it. */
  osThreadId?: number;
  /** Samples that could not be kept. */
  dropped: number;
}

/** A part of the stacks that this Node.js may or may not give. */
export interface Feature {
  name: string;
  ok: boolean;
  /** Why not; empty when it works. */
  reason: string;
}

export interface EngineStatus {
  running: boolean;
  threads: ThreadStatus[];
  features: Feature[];
}

/** Counters of an engine: the native sampler's since the process started, the inspector's since it was started. */
export interface EngineMetrics {
  /**
   * By name; docs/metrics.md has the meaning and unit of each. `samples` are the stacks that were taken: by the signal
   * handler of the native sampler, whether or not they are in a profile yet; by V8's profiler in the profiles made so far.
   */
  counters: Record<string, number>;
  /**
   * How often the signal handler used at least so much CPU time, and less than a quarter of a power of two more; empty steps
   * are left out.
   */
  handler: { nanoseconds: number; count: number }[];
}

/** A profile that an engine could not write. `errno` is the system's number, 0 where there is none. */
export interface WriteFailure {
  path: string;
  errno: number;
  reason: string;
}

/** A source map that is there and cannot be used: its script's frames stand in generated code. */
export interface SourceMapFailure {
  /** The script as V8 names it. */
  script: string;
  /** The map's file, or `inline`. */
  map: string;
  reason: string;
}

/** Something that samples the process and hands out profiles. */
export interface Engine {
  readonly report: StartReport;
  /** Ends the current period and returns its profile. */
  flush(): Promise<Profile>;
  /**
   * As `flush`, on a thread that will not run again: blocks it for at most `timeoutMilliseconds`.
   * Null where the profile was not ready in that time.
   */
  flushSync(timeoutMilliseconds: number): Profile | null;
  /**
   * Waits where a signal ends the process, whose profile is the last one: the process ends in this call. Returns whether it
   * is still to end by that.
   */
  waitForSignal(): boolean;
  /** The end for which `flushSync` has asked has not come. */
  liveOn(): void;
  /**
   * Profiles of `flush` and `stop` that are made and did not reach this thread, oldest first. For a thread that will
   * not run again, after `flushSync`.
   */
  takeUndelivered(): Profile[];
  /** Whether the profile of this number is to be written to the output; false where the sampler has, as nobody came for it. */
  claimProfile(sequence: number): boolean;
  /** The profile of this number is in its file, or its failure was said. Until then the native sampler keeps it. */
  forgetProfile(sequence: number): void;
  /** From now on the engine writes there what it writes by itself. */
  writeTo(prefix: string): void;
  /** The last profile that the engine could not write itself; null where there is none since the last call. */
  takeWriteFailure(): WriteFailure | null;
  /** Source maps found broken since the last call, twenty at most. */
  takeSourceMapFailures(): SourceMapFailure[];
  /** Stops sampling and returns the last profile. */
  stop(): Promise<Profile>;
  metrics(): EngineMetrics;
  status(): EngineStatus;
}

/** An error of the profiler, with a stable `code` and the remedy in its message. */
export class EverflameError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EverflameError';
    this.code = code;
  }
}

/** Name of a JavaScript thread as it stands in profiles. */
export function threadName(threadId: number): string {
  return threadId === 0 ? 'Main Event Loop' : `Worker #${threadId} Event Loop`;
}
