import { alignColumns } from './columns';
import { formatShare, formatValue } from './format';
import { timeText } from './select';
import { visible } from './visible';

/** The answer of `/metrics`: docs/api.md. */
export interface Metrics {
  from: number;
  step: number;
  processes: number;
  ignored: string[];
  damaged: number;
  metrics: { name: string; unit: string; series: MetricSeries[] }[];
}

interface MetricSeries {
  name: string;
  max: (number | null)[];
  mean?: (number | null)[];
}

/** A line for each step, and above what they are of. */
export function metricLines({ metrics, from, step, processes, ignored }: Metrics): string[] {
  const notes = ignored.map(
    (key) =>
      `not filtered by ${JSON.stringify(visible(key))}: no process has it as a tag, and metrics are of processes`,
  );
  if (metrics.length === 0) return [...notes, 'no metrics in this range'];
  const columns = metrics.flatMap(({ name, unit, series }) =>
    series.flatMap((one) => figures(name, unit, one, processes > 1)),
  );
  const steps = Math.max(...columns.map(({ cells }) => cells.length));
  const times = Array.from({ length: steps }, (_, index) => timeText(from + index * step));
  return [
    processes === 1 ? '1 process' : `${processes} processes`,
    ...notes,
    '',
    ...alignColumns([{ title: 'from', align: 'left', cells: times }, ...columns]),
  ];
}

/** Of several processes the mean as well: of one it is the same. */
function figures(name: string, unit: string, { name: of, max, mean }: MetricSeries, isOfSeveral: boolean) {
  const column = (statistic: string, values: (number | null)[]) => ({
    title: [name, statistic, visible(of)].filter((word) => word !== '').join(' '),
    align: 'right' as const,
    cells: values.map((value) => (value === null ? '-' : figure(value, unit))),
  });
  if (!mean) return [column('', max)];
  return isOfSeveral ? [column('mean', mean), column('max', max)] : [column('', max)];
}

function figure(value: number, unit: string): string {
  return unit === 'ratio' ? formatShare(value, 1) : formatValue(Math.round(value), unit);
}
