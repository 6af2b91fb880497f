import type { EngineName } from './config/settings';

/** How the bytes of a profile are compressed. */
export type Encoding = 'gzip' | 'zstd' | 'none';

/** One finished profile: a `wall.pprof` and the time it covers, in nanoseconds since the epoch. */
export interface Profile {
  data: Buffer;
  startNanoseconds: bigint;
  endNanoseconds: bigint;
  /** Samples in it. */
  samples: number;
  /** Samples that were taken but could not be kept. */
  dropped: number;
}

/** What an engine is started with. */
export interface EngineOptions {
  engine: EngineName;
  intervalNanoseconds: number;
  maxFrames: number;
  timeline: boolean;
  nativeFrames: boolean;
  memoryCapBytes: number;
  outputPrefix?: string;
}

/** Which engine won, and why the others did not. */
export interface StartReport {
  engine: string;
  reason: string;
  rejected: { engine: string; reason: string }[];
  /** The signal in use, or an empty string where none is. */
  signal: string;
  features: { name: string; ok: boolean; reason: string }[];
}

/** A thread that is being profiled. */
export interface ThreadStatus {
  name: string;
  threadId: number;
  [detail: string]: unknown;
}

export interface EngineStatus {
  running: boolean;
  engine: string;
  signal: string;
  threads: ThreadStatus[];
}

/** Counters of an engine. Times are nanoseconds, sizes bytes. */
export type Metrics = Record<string, unknown>;

/** Something that samples the process and hands out profiles. */
export interface Engine {
  readonly report: StartReport;
  /** Ends the current period and returns its profile. */
  flush(encoding: Encoding): Promise<Profile>;
  /**
   * As `flush`, on a thread that will not run again: blocks it for at most `timeoutMilliseconds`.
   * Null where the profile was not ready in that time.
   */
  flushSync(encoding: Encoding, timeoutMilliseconds: number): Profile | null;
  /** Stops sampling and returns the last profile. */
  stop(): Promise<Profile>;
  metrics(): Metrics;
  status(): EngineStatus;
}

/** An error of the profiler, with a stable `code` and the remedy in its message. */
export class EverflameError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EverflameError';
    this.code = code;
  }
}

/** Name of a JavaScript thread as it stands in profiles. */
export function threadName(threadId: number): string {
  return threadId === 0 ? 'Main Event Loop' : `Worker #${threadId} Event Loop`;
}
