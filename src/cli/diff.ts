import { type Changes, changesOf, type Order, type Scale, type Side } from '../collector/query/changes';
import type { Frames } from '../collector/store';
import { EverflameError } from '../engine';
import type { DiffFormat, DiffUnit } from './diff-choices';
import { diffJson, diffMarkdown, diffText } from './diff-report';
import { type DiffSide, readDiffSide } from './diff-side';
import { DiffStores, type Placed } from './diff-stores';
import type { StoreOptions } from './open-store';
import type { SelectionOptions } from './select';

export interface DiffOptions extends SelectionOptions, StoreOptions {
  by: Frames;
  sort: Order;
  /** Without one a table has the first rows, and JSON all. */
  limit?: number;
  format?: DiffFormat;
  json?: boolean;
  /** Take A for as much time as the profiles of B last, or for as many requests as came meanwhile. */
  normalize: boolean;
  per?: DiffUnit;
}

/**
 * The text that `everflame diff` prints. `columns` is the width of the terminal it is for; undefined where it is for none. Throws
 * an EverflameError where there is nothing to compare.
 */
export async function diff(
  a: string,
  b: string,
  options: DiffOptions,
  columns?: number,
  now = Date.now(),
): Promise<string> {
  const { json, by, sort, limit } = options;
  if (json && options.format !== undefined && options.format !== 'json') {
    throw new EverflameError('BAD_QUERY', `--json and --format ${options.format} are two forms: give one`);
  }
  const format = json ? 'json' : (options.format ?? 'text');
  const scale = scaleOf(options);
  const sides = [readDiffSide(a, options, now), readDiffSide(b, options, now)] as const;
  refuseUnused(sides, options);
  const stores = new DiffStores(options, now);
  try {
    const placed = await stores.place(sides);
    const changes = await compare(stores, placed, scale, options);
    const report = { changes, a: placed[0].what, b: placed[1].what, by, sort, limit, scale };
    if (format === 'json') return diffJson(report);
    return format === 'markdown' ? diffMarkdown(report) : diffText(report, columns);
  } finally {
    await stores.close();
  }
}

function scaleOf({ normalize, per }: DiffOptions): Scale {
  if (normalize) return per === 'request' ? 'requests' : 'time';
  if (per === undefined) return 'none';
  throw new EverflameError('BAD_QUERY', `--per ${per} scales A, and --no-normalize does not: give one`);
}

/** Options about the store say nothing about files: whoever gives them expects that they do. */
function refuseUnused(sides: readonly DiffSide[], options: DiffOptions): void {
  if (sides.some((side) => !('files' in side))) return;
  const unused = (['service', 'from', 'to', 'last', 'inbox', 'store'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (unused) {
    throw new EverflameError(
      'BAD_QUERY',
      `--${unused} is about the store, and both sides are files: leave it out`,
    );
  }
}

async function compare(
  stores: DiffStores,
  [a, b]: readonly [Placed, Placed],
  scale: Scale,
  { by, sort, where = [] }: DiffOptions,
): Promise<Changes> {
  const bytes = await stores.diff(a.selection, b.selection, by);
  const changes = changesOf(bytes, { scale, order: sort, told: { a: a.told, b: b.told } });
  const isEmpty = ({ total, seconds }: Side): boolean => total === 0 && seconds === 0;
  const empty = isEmpty(changes.a) ? a : isEmpty(changes.b) ? b : undefined;
  if (empty) throw new EverflameError('NOT_FOUND', `there are no samples of ${empty.what}. ${remedy(where)}`);
  return changes;
}

function remedy(where: readonly string[]): string {
  return where.length > 0
    ? `Leave out --where ${where.map((text) => JSON.stringify(text)).join(' --where ')}, or give another`
    : '"everflame query profiles" lists what the store has, "everflame query labels" its labels and tags';
}
