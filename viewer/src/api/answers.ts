import type { FrameKind } from './tree.js';

/** A kind of value that a service has, and its unit. */
export interface ValueType {
  name: string;
  unit: string;
}

export interface Service {
  name: string;
  /** Milliseconds since the epoch: the first and the last instant that is stored. */
  from: number;
  to: number;
  profiles: number;
  instances: number;
  types: ValueType[];
}

export interface LabelKey {
  key: string;
  /** A tag belongs to a process; otherwise it is a label of samples. */
  isTag: boolean;
  values: { value: string; total: number }[];
  /** Values that are left out. */
  more: number;
}

export interface Labels {
  type: string;
  unit: string;
  total: number;
  keys: LabelKey[];
}

export interface Series {
  type: string;
  unit: string;
  /** Start of the first step, milliseconds since the epoch. */
  from: number;
  /** Milliseconds. */
  step: number;
  series: { name: string; values: number[] }[];
}

/** What processes tell of themselves, in steps of time; null where nothing is known. */
export interface Metrics {
  /** Start of the first step, milliseconds since the epoch. */
  from: number;
  /** Milliseconds. */
  step: number;
  processes: number;
  /** Keys of conditions that are for samples, and have filtered nothing. */
  ignored: string[];
  metrics: Metric[];
}

export interface Metric {
  name: string;
  unit: string;
  series: { name: string; max: (number | null)[]; mean?: (number | null)[] }[];
}

export interface TableRow {
  name: string;
  file: string;
  line: number;
  kind: FrameKind;
  package: string;
  self: number;
  total: number;
}

export interface Table {
  type: string;
  unit: string;
  total: number;
  rows: TableRow[];
  more: number;
}

export interface ProfileEntry {
  id: string;
  from: number;
  to: number;
  kind: string;
  types: { name: string; unit: string; total: number }[];
  tags: Record<string, string>;
  samples: number;
}

export interface Profiles {
  profiles: ProfileEntry[];
  more: number;
}

/** A frame of an insight, with what it counts there. */
export interface InsightFrame {
  name: string;
  file: string;
  line: number;
  value: number;
}

/** What became of one rule. */
export interface Insight {
  id: string;
  title: string;
  /** What is measured, as it is listed where it is no problem. */
  subject: string;
  rule: string;
  remedy: string;
  state: 'found' | 'fine' | 'unknown' | 'failed';
  /** Of `found` and `fine`. */
  share?: number;
  /** Of `unknown` and `failed`. */
  reason?: string;
  /** All else is of `found`. */
  severity?: 'high' | 'medium' | 'low';
  value?: number;
  type?: string;
  unit?: string;
  evidence?: string[];
  frames?: InsightFrame[];
  callers?: InsightFrame[];
  /** Conditions under which the frames are shown, beside those of the selection. */
  where?: string[];
}

export interface Insights {
  /** Without one, no profile of the selection tells of time. */
  type?: string;
  unit?: string;
  /** Of the main threads: all, and that in which they were busy. */
  total: number;
  busy: number;
  samples: number;
  insights: Insight[];
}

/** Data of an `ingested` event. */
export interface Ingested {
  service: string;
  from: number;
  to: number;
  profiles: number;
}

/** What one line of a file costs. */
export interface Line {
  line: number;
  self: number;
  total: number;
}

export interface Lines {
  type: string;
  unit: string;
  total: number;
  lines: Line[];
}

export interface Source {
  file: string;
  /** Null where it is not given; `reason` says why. */
  text: string | null;
  reason: string | null;
  /** Milliseconds since the epoch. */
  modified: number | null;
  /** From the root of the repository that the file lies in; null where it is in none. */
  repositoryPath: string | null;
}
