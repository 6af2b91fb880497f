import { appendFileSync } from 'node:fs';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/**
 * Variable by which `everflame run` learns what happened in the processes below it: the path of a file to which each
 * adds a line. Set by the command alone.
 */
export const REPORT_VARIABLE = 'EVERFLAME_RUN_REPORT';

/** What has become of what a process was to send, when it ends. */
export interface Sent {
  kind: 'sent';
  pid: number;
  /** In words. */
  destinations: string[];
  delivered: number;
  /** In the spool. */
  waiting: number;
  dropped: number;
  /** In the inbox, which is told by `started`. */
  kept: number;
  /** Those of the destinations that took their time over something until the end, of which nothing else was said. */
  unanswered: string[];
}

/**
 * One line of the report. `prefix` is where the process writes its profiles, `first` the number of its first one: what is
 * there with a lower number is of an earlier process with the same number. `unwritten` says that one could not be
 * written, which the process itself has told the user; `sending`, that the process sends its profiles.
 */
export type RunEvent =
  | { kind: 'started'; pid: number; prefix: string; first: number }
  | { kind: 'sending'; pid: number }
  | Sent
  | { kind: 'unwritten'; pid: number }
  | { kind: 'failed'; pid: number; reason: string };

/** Tells `everflame run` that this process has a profiler, if it is below one. */
export function reportStart(prefix: string): void {
  if (!process.env[REPORT_VARIABLE]) return;
  // Only here: what is loaded is the program's starting time.
  const { nextSequence } = require('./output/pprof-file') as typeof import('./output/pprof-file');
  reportToRun({ kind: 'started', pid: process.pid, prefix, first: nextSequence(prefix) });
}

/** What `start()` has made of a profiler. */
interface Started {
  running: boolean;
  output: string | undefined;
  runtimeId: string | undefined;
  failure: string | undefined;
}

/** Tells `everflame run` what has become of a start. */
export function reportProfiler({ running, output, runtimeId, failure }: Started): void {
  if (running && output !== undefined) reportStart(output);
  if (running && runtimeId !== undefined) reportToRun({ kind: 'sending', pid: process.pid });
  if (failure !== undefined) reportToRun({ kind: 'failed', pid: process.pid, reason: failure });
}

/** Tells `everflame run`, if this process is below one. */
export function reportToRun(event: RunEvent): void {
  const path = process.env[REPORT_VARIABLE];
  if (!path) return;
  try {
    appendFileSync(path, `${JSON.stringify(event)}\n`);
  } catch {
    // The command has ended and taken the file with it: nobody is left to read the line.
  }
}
