import { ApiError } from '../api/client.js';
import { parseCondition } from '../state/conditions.js';
import type { Contents, Found } from './contents.js';

/** What a question is about: rows, and the column of their values. */
export interface Picked {
  type: string;
  unit: string;
  /** Place of the type. */
  column: number;
  rows: number[];
  total: number;
  /** The profiles that have part in it. */
  found: Found;
}

/** The value of a label, else of a tag, else an empty text. */
export function valueOfKey(contents: Contents, label: number, group: number, key: string): string {
  return contents.labels[label]?.get(key) ?? contents.groups[group]?.tags.get(key) ?? '';
}

/** The conditions of a question as one test, by what a value is found by. */
export function testOf(where: readonly string[]): (value: (key: string) => string) => boolean {
  const wanted = new Map<string, { key: string; not: boolean; values: Set<string> }>();
  for (const text of where) {
    const condition = parseCondition(text);
    if (!condition) throw new ApiError(`where is ${text}. Give key:value.`, 400);
    const { key, value, not } = condition;
    const of = wanted.get(`${not} ${key}`) ?? { key, not, values: new Set<string>() };
    of.values.add(value);
    wanted.set(`${not} ${key}`, of);
  }
  return (value) => [...wanted.values()].every(({ key, not, values }) => values.has(value(key)) !== not);
}

/**
 * The rows that a question means. Its times are not looked at: a report has one range.
 * @throws {ApiError} for a service and a type that are not in the report
 */
export function pick(contents: Contents, question: URLSearchParams): Picked {
  const { service, groups, rowNode, rowLabel, rowGroup } = contents;
  if (question.get('service') !== service.name)
    throw new ApiError(`This report is of ${service.name}, and of nothing else.`, 404);
  const column = columnOf(contents, question.get('type'));
  const { name, unit } = service.types[column] as Contents['service']['types'][number];
  const holds = testOf(question.getAll('where'));
  const values = contents.values[column] as Float64Array;
  const known = new Map<number, boolean>();
  const isMeant = (row: number) => {
    const [label, group] = [rowLabel[row] as number, rowGroup[row] as number];
    const key = label * groups.length + group;
    const before = known.get(key);
    if (before !== undefined) return before;
    const meant = holds((wanted) => valueOfKey(contents, label, group, wanted));
    known.set(key, meant);
    return meant;
  };
  const rows: number[] = [];
  const met = new Set<number>();
  const withRows = new Set<number>();
  let total = 0;
  for (let row = 0; row < rowNode.length; row++) {
    withRows.add(rowGroup[row] as number);
    if (!isMeant(row)) continue;
    met.add(rowGroup[row] as number);
    if (values[row] === 0) continue;
    rows.push(row);
    total += values[row] as number;
  }
  // A process without samples has no more than tags, and its time.
  for (const [group, { tags }] of groups.entries())
    if (!withRows.has(group) && holds((key) => tags.get(key) ?? '')) met.add(group);
  const parts = [...met].flatMap((group) => groups[group]?.found[column] ?? []).filter(({ to }) => to > 0);
  const found = {
    from: parts.length === 0 ? 0 : Math.min(...parts.map(({ from }) => from)),
    to: Math.max(0, ...parts.map(({ to }) => to)),
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
  };
  return { type: name, unit, column, rows, total, found };
}

/** The type that is asked for, else the collector's own choice. */
function columnOf({ service }: Contents, wanted: string | null): number {
  const at = (name: string) => service.types.findIndex((type) => type.name === name);
  if (wanted === null)
    return Math.max(0, ['cpu', 'cpu-time', 'wall', 'wall-time'].map(at).find((index) => index >= 0) ?? 0);
  if (at(wanted) < 0) throw new ApiError(`This report has no values of type ${wanted}.`, 400);
  return at(wanted);
}
