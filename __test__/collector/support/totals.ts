import type { ExecutionContext } from 'ava';
import type { LoadedProfile, LoadedSample } from '#src/profile/model.js';
import { decodeProfile } from '#src/profile/read.js';
import type { Opened } from './collector.js';

/** Milliseconds before now and after it: a range that holds all that a test has sent. */
const HOUR = 3_600_000;
const STEP_MILLISECONDS = 1000;

/** Which samples to add up. */
type Meant = (sample: LoadedSample) => boolean;

/** Sums over samples by the kind of value, such as `wall nanoseconds`; those that are 0 as well. */
export function sumsOf(profiles: readonly LoadedProfile[], meant: Meant = () => true): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { types, samples } of profiles) {
    const added = samples.filter(meant);
    types.forEach(({ type, unit }, column) => {
      const key = `${type} ${unit}`;
      const before = sums.get(key) ?? 0;
      sums.set(
        key,
        added.reduce((sum, { values }) => sum + (values[column] ?? 0), before),
      );
    });
  }
  return new Map([...sums].sort());
}

/** What all samples have, and those of one function: alone, and with what it calls. */
interface Shares {
  all: number;
  self: number;
  total: number;
}

/**
 * Asserts that all answers about a service have the sums of these profiles, to the unit, and give the functions of this name what
 * these profiles do. Of each kind in `spent` the function itself has some.
 */
export async function assertTotals(
  t: ExecutionContext,
  opened: Opened,
  service: string,
  profiles: readonly LoadedProfile[],
  name: RegExp,
  spent: readonly string[],
): Promise<void> {
  const isSelf: Meant = ({ frames: [leaf] }) => leaf !== undefined && name.test(leaf.name);
  const isOnStack: Meant = ({ frames }) => frames.some((frame) => name.test(frame.name));
  const [all, self, total] = [sumsOf(profiles), sumsOf(profiles, isSelf), sumsOf(profiles, isOnStack)];
  for (const kind of spent) t.true((self.get(kind) ?? 0) > 0, `${service}: ${kind}`);
  const now = Date.now();
  const range = `service=${service}&from=${now - HOUR}&to=${now + HOUR}`;

  const { body } = await opened.ask(`/api/v1/pprof?${range}`);
  const exported = [decodeProfile('pprof', body)];
  t.deepEqual(sumsOf(exported), all, `${service}: pprof`);
  t.deepEqual(sumsOf(exported, isSelf), self, `${service}: pprof, of the function itself`);
  t.deepEqual(sumsOf(exported, isOnStack), total, `${service}: pprof, of the function`);

  const { services } = (await opened.json('/api/v1/services')) as {
    services: { name: string; types: { name: string; unit: string }[] }[];
  };
  // Counts of requests come beside the profiles.
  const types = (services.find((found) => found.name === service)?.types ?? []).filter(
    ({ name: type }) => type !== 'requests',
  );
  t.deepEqual(types.map((type) => `${type.name} ${type.unit}`).sort(), [...all.keys()], service);
  for (const type of types) {
    const kind = `${type.name} ${type.unit}`;
    const shares = { all: all.get(kind) ?? 0, self: self.get(kind) ?? 0, total: total.get(kind) ?? 0 };
    const question = `${range}&type=${encodeURIComponent(type.name)}`;
    await assertKind(t, opened, question, name, shares, `${service}: ${kind}`);
  }
}

async function assertKind(
  t: ExecutionContext,
  { json, ask }: Opened,
  question: string,
  name: RegExp,
  { all, self, total }: Shares,
  what: string,
): Promise<void> {
  t.is(rootTotal((await ask(`/api/v1/tree?${question}`)).body), all, `${what}, tree`);
  const { series } = (await json(`/api/v1/series?${question}&step=${STEP_MILLISECONDS}`)) as {
    series: { values: number[] }[];
  };
  // A profile is divided among the steps that it reaches over, not always into whole numbers.
  t.is(Math.round(sum(series.flatMap(({ values }) => values))), all, `${what}, series`);
  const { rows, more } = (await json(`/api/v1/table?${question}&by=function&limit=100000`)) as {
    rows: { name: string; self: number; total: number }[];
    more: number;
  };
  t.is(more, 0);
  t.is(sum(rows.map((row) => row.self)), all, `${what}, table`);
  const own = rows.filter((row) => name.test(row.name));
  t.is(sum(own.map((row) => row.self)), self, `${what}, of the function itself`);
  t.is(sum(own.map((row) => row.total)), total, `${what}, of the function with what it calls`);
}

function sum(values: number[]): number {
  return values.reduce((before, value) => before + value, 0);
}

/** The root's total as the columns of a tree have it. */
function rootTotal(tree: Buffer): number {
  const { columns } = JSON.parse(tree.toString('utf8', 8, 8 + tree.readUInt32LE(4))) as {
    columns: { name: string; offset: number }[];
  };
  return tree.readDoubleLE(columns.find(({ name }) => name === 'total')?.offset);
}
