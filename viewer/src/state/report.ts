import { signal } from '@preact/signals';
import type { Span, Tab } from './view.js';
import { TABS } from './view.js';

/** What is told of a report that the page is, in place of a page of a collector. */
export interface ReportHead {
  /** Milliseconds since the epoch. */
  made: number;
  /** Which program made it. */
  by: string;
  /** Whether folders and values of labels were left out. */
  isStripped: boolean;
  /** The one range that it is of. */
  range: Span;
  /** The conditions that it was made with. */
  where: readonly string[];
  hasTimeline: boolean;
}

/** Undefined where a collector answers. */
export const report = signal<ReportHead | undefined>(undefined);

export function show(head: ReportHead): void {
  report.value = head;
}

/** Views that a report can fill. Others ask a collector for what no report holds. */
const IN_REPORTS: ReadonlySet<Tab> = new Set<Tab>([
  'flame',
  'top',
  'tree',
  'sandwich',
  'compare',
  'timeline',
  'threads',
  'endpoints',
  'packages',
  'labels',
  'profiles',
]);

/** The tabs that there are. */
export function offeredTabs(): readonly Tab[] {
  const head = report.value;
  if (!head) return TABS;
  return TABS.filter((tab) => IN_REPORTS.has(tab) && (tab !== 'timeline' || head.hasTimeline));
}
