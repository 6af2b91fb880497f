import { formatAmount, formatPercent } from '../insights/figures';
import type { Insight, InsightFrame, Insights } from '../insights/insights';
import { alignColumns } from './columns';
import { visible } from './visible';

/** The answer as text: what was found with all that shows it, and the rest in short. */
export function insightLines({ insights, total, busy, samples, type, unit = '' }: Insights): string[] {
  if (type === undefined) return ['no samples of CPU time or time in this range: nothing can be checked'];
  const of = (state: Insight['state']) => insights.filter((one) => one.state === state);
  const [found, fine, unknown, failed] = [of('found'), of('fine'), of('unknown'), of('failed')];
  return [
    `${count(found.length, 'problem')} found by ${count(insights.length, 'rule')}; main thread, ${visible(type)}: busy for ${formatAmount(busy, unit)} of ${formatAmount(total, unit)}, ${count(samples, 'sample')}`,
    ...found.flatMap((insight) => ['', ...foundLines(insight)]),
    ...section(
      'Could not be checked',
      failed.map(({ subject, reason }) => `${subject}: ${reason}`),
    ),
    ...section('Cannot be told from these profiles', grouped(unknown)),
    ...section(
      'Checked and fine',
      fine.map(({ subject, share = 0 }) => `${subject}: ${formatPercent(share)}`),
    ),
  ];
}

function foundLines(insight: Insight): string[] {
  const {
    title,
    severity,
    share = 0,
    unit = '',
    evidence = [],
    frames = [],
    callers = [],
    rule,
    remedy,
  } = insight;
  return [
    `[${severity}] ${title}: ${formatPercent(share)}`,
    ...evidence.map((sentence) => `  ${visible(sentence)}`),
    ...table('in', frames, unit),
    ...table('called by', callers, unit),
    `  Rule: ${rule}`,
    `  Remedy: ${remedy}`,
  ];
}

function table(title: string, frames: InsightFrame[], unit: string): string[] {
  if (frames.length === 0) return [];
  return alignColumns([
    { title: '', align: 'right', cells: frames.map(({ value }) => formatAmount(value, unit)) },
    { title, align: 'left', cells: frames.map(({ name }) => visible(name)) },
    {
      title: '',
      align: 'left',
      cells: frames.map(({ file, line }) => visible(file && line > 0 ? `${file}:${line}` : file)),
    },
  ]).map((line) => `  ${line}`);
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${visible(line)}`)];
}

/** Rules that cannot be asked for one and the same reason are one line. */
function grouped(insights: Insight[]): string[] {
  const subjects = new Map<string, string[]>();
  for (const { subject, reason = '' } of insights)
    subjects.set(reason, [...(subjects.get(reason) ?? []), subject]);
  return [...subjects].map(([reason, all]) => `${all.join(', ')}: ${reason}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
