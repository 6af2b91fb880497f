import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';
import type { Profile } from '../engine';
import type { Place } from './place';
import type { HandedProfile, StationData } from './station';
import type { SnapshotReason } from './upload';

/** As at the start: fake clocks of tests take its place. */
const { hrtime } = process;

/** What the delivery thread starts with. */
export interface ThreadData extends StationData {
  /** How long the end of the process by a signal may wait. */
  exitMilliseconds: number;
  logLevel: LogLevel;
  hasUserLogger: boolean;
  /** The native sampler runs, and not V8's. */
  isNative: boolean;
  counters: SharedArrayBuffer;
  flags: SharedArrayBuffer;
}

/** The same with the thread's end of the way to the main thread. */
export interface ThreadWorkerData extends ThreadData {
  port: MessagePort;
}

/** What the thread may take of the time for the end of the process to write down what it could not send. */
const WRITING_MILLISECONDS = 200;

/** How much of that time is for sending. */
export function forSending(milliseconds: number): number {
  return Math.max(milliseconds / 2, milliseconds - WRITING_MILLISECONDS);
}

/** A profile as the engine gives it, with what goes with it. */
export function toHand(
  profile: Profile,
  reason: SnapshotReason,
  internal: Record<string, number>,
): HandedProfile {
  const { sequence, startNanoseconds: start, endNanoseconds: end, data } = profile;
  return { sequence, start, end, reason, data, internal };
}

/** Milliseconds by a clock that all threads of a process share, as `performance.now()` is not. */
export function sharedNow(): number {
  return Number(hrtime.bigint() / 1_000_000n);
}

/** Place of the number of the last `finish` that is done, in the flags. */
export const FINISHED = 0;

export type ToThread =
  | { kind: 'profile'; profile: HandedProfile }
  /** The main thread has written the profile of this number to the output, or has said why not. */
  | { kind: 'filed'; sequence: number }
  /** The sampler has written a profile to the spool. */
  | { kind: 'look' }
  /** Answered by `rested` when nothing more can be done at once. */
  | { kind: 'rest'; id: number }
  /** The process has started others. */
  | { kind: 'main' }
  /**
   * The process ends, with these profiles. Answered in the flags, where a blocked thread sees it. `until` is by `sharedNow`: the
   * thread may come to this late.
   */
  | { kind: 'finish'; id: number; until: number; last: HandedProfile[] };

export type ToMain =
  /** The profile of this number is in the spool, or settled: nobody else need keep it. */
  | { kind: 'safe'; sequence: number }
  | { kind: 'rested'; id: number }
  /** Who gets profiles, where nobody has said so. */
  | { kind: 'place'; place: Place }
  | { kind: 'line'; level: Exclude<LogLevel, 'off'>; message: string };
