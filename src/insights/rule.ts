import type { Facts } from './facts';
import type { Part } from './parts';

/** What one rule found out. */
export type Verdict =
  | { state: 'found'; finding: Finding }
  /** It was looked for, and is below its bound. */
  | { state: 'fine'; share: number }
  /** The profiles do not say. */
  | { state: 'unknown'; reason: string };

/** A problem, with what shows it. */
export interface Finding {
  /** Of what the rule measures: of the main thread's CPU time where it says nothing else. */
  share: number;
  value: number;
  severity: Severity;
  /** Sentences with figures. */
  evidence: string[];
  /** Frames in which it happens, and the functions that lead there. */
  frames: Part[];
  callers: Part[];
  /** Name of the threads that have these frames: without it, the main one. */
  thread?: string;
  /** Kind of value that is counted, and its unit. */
  type: string;
  unit: string;
}

/** `high` is what is worth to be mended first. */
export type Severity = 'high' | 'medium' | 'low';

/** One kind of problem. */
export interface Rule {
  id: string;
  title: string;
  /** What is measured, as it is listed where it is no problem. */
  subject: string;
  /** The rule in words, with its bound and why that is the bound. */
  rule: string;
  /** What to do, in a sentence or two. */
  remedy: string;
  check(facts: Facts): Verdict | Promise<Verdict>;
}
