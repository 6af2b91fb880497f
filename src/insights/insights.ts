import type { Selection, Store } from '../collector/store';
import { messageOf } from '../log';
import { type Facts, gather, MAIN_THREAD, THREAD } from './facts';
import type { Part } from './parts';
import type { Finding, Rule, Severity, Verdict } from './rule';
import { RULES } from './rules';

/** The answer of `/api/v1/insights`: docs/api.md. */
export interface Insights {
  /** Kind of value and unit of the figures; missing where no profile of the selection tells of time. */
  type?: string;
  unit?: string;
  /** Of the main threads: all of it, that in which they were busy, and the samples of that. */
  total: number;
  busy: number;
  samples: number;
  insights: Insight[];
}

/** What became of one rule. */
export interface Insight {
  id: string;
  title: string;
  subject: string;
  rule: string;
  remedy: string;
  state: 'found' | 'fine' | 'unknown' | 'failed';
  /** Of `found` and `fine`: what the rule measures. */
  share?: number;
  /** Of `unknown` and `failed`: why. */
  reason?: string;
  /** All else is of `found`. */
  severity?: Severity;
  value?: number;
  evidence?: string[];
  frames?: InsightFrame[];
  callers?: InsightFrame[];
  /** Kind of value of these figures, and its unit. */
  type?: string;
  unit?: string;
  /** Conditions under which a page shows these frames, beside those of the selection. */
  where?: string[];
}

export interface InsightFrame {
  name: string;
  file: string;
  line: number;
  value: number;
}

type State = Insight['state'];
const STATES: readonly State[] = ['found', 'failed', 'unknown', 'fine'];

/** Asks the store what there is, and each rule what it makes of it. What was found comes first, with the largest share before. */
export async function findInsights(
  store: Store,
  selection: Selection,
  rules: readonly Rule[] = RULES,
): Promise<Insights> {
  const facts = await gather(store, selection);
  if (!facts) return { total: 0, busy: 0, samples: 0, insights: [] };
  const insights: Insight[] = [];
  for (const rule of rules) insights.push(await judge(rule, facts));
  return {
    type: facts.time.type,
    unit: facts.time.unit,
    total: facts.time.stacks.total,
    busy: facts.time.busy,
    samples: Math.round(facts.samples),
    insights: insights.sort(
      (a, b) =>
        STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
        (a.state === 'found' ? (b.share as number) - (a.share as number) : 0),
    ),
  };
}

/** One rule that fails keeps no other from being asked. */
async function judge({ check, ...told }: Rule, facts: Facts): Promise<Insight> {
  let verdict: Verdict;
  try {
    verdict = await check(facts);
  } catch (error) {
    return { ...told, state: 'failed', reason: messageOf(error) };
  }
  if (verdict.state !== 'found') return { ...told, ...verdict };
  return { ...told, state: 'found', ...tell(verdict.finding, facts) };
}

function tell({ frames, callers, thread = MAIN_THREAD, ...rest }: Finding, { hasThreads }: Facts) {
  const part = ({ frame: { name, file, line }, value }: Part): InsightFrame => ({ name, file, line, value });
  const where = hasThreads ? [`${THREAD}:${thread}`] : [];
  return { ...rest, frames: frames.map(part), callers: callers.map(part), where };
}
