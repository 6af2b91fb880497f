import { servicesOf, type ValueType } from '../collector/services';
import { type Condition, parsed, type Selection, type Store } from '../collector/store';
import { busyValue } from './busy';
import { type Delays, readDelays } from './delays';
import { isNamedV8, isScript } from './frames';
import { type Moments, readMoments } from './moments';
import { Stacks } from './stacks';

/** What the rules are told. All of it is about one selection. */
export interface Facts {
  /** CPU time of the main threads; as `time` where the profiles do not count it. */
  cpu: Measured;
  /** Time of the main threads as it passed, also while they slept or other programs had their processors; else CPU time. */
  time: Measured;
  /** Samples of the main threads that were busy. */
  samples: number;
  /** Whether native frames have the names of V8's functions. */
  hasNative: boolean;
  /** Whether samples tell of their threads, or are of no program of Node.js. */
  hasThreads: boolean;
  /** Stacks of the threads of libuv's pool, in the type of `time`. */
  pool(): Promise<Pool>;
  /** Single samples of the main threads. */
  moments(): Promise<Moments>;
  /** What the loops of the processes that these samples are of have measured. */
  delays(moments: Moments): Promise<Delays>;
}

/** One kind of value of the main threads. */
export interface Measured {
  /** Its name and unit. */
  type: string;
  unit: string;
  stacks: Stacks;
  /** What was not spent in the wait of the loop. */
  busy: number;
}

/** The threads in which libuv runs what would block. */
export interface Pool {
  /** Over all its threads. */
  stacks: Stacks;
  threads: number;
}

/** Names of threads, as Everflame and dd-trace have them. */
export const MAIN_THREAD = 'Main Event Loop';
export const POOL_THREAD = 'libuv-worker';
export const THREAD = 'thread name';
const NODES = 1_000_000;
/** Half an hour of a thread that is always busy, at the usual rate. */
const MOST_MOMENTS = 200_000;
const MOST_THREADS = 100_000;
/** Kinds of value, best first: that which counts a sleeping thread tells most. */
const CPU = ['cpu', 'cpu-time'];
const TIMES = ['wall', 'wall-time', ...CPU];
const COUNTS = ['sample', 'samples'];
/** Of a profile that counts none, at a hundred a second. */
const NANOSECONDS_A_SAMPLE = 1e7;

interface Table {
  total: number;
  rows: { name: string; total: number }[];
}

/** Asks the store for what the rules need. Undefined where no profile of the selection tells of time. */
export async function gather(store: Store, selection: Selection): Promise<Facts | undefined> {
  const services = await servicesOf(store);
  const types = services.find(({ name }) => name === selection.service)?.types ?? [];
  const first = (names: string[]) =>
    names.flatMap((name) => types.find((type) => type.name === name) ?? [])[0];
  const [time, cpu, count] = [first(TIMES), first(CPU), first(COUNTS)];
  const type = time ?? count;
  // It says by itself that there is no such service.
  if (!type) {
    await store.labels(selection);
    return undefined;
  }
  const all: Selection = { ...selection, type: type.name };
  const threads = await parsed<Table>(store.table(all, { by: THREAD, limit: MOST_THREADS }));
  if (threads.total === 0) return undefined;
  const stacks = async (at: Selection) =>
    Stacks.read(await store.tree(at, { frames: 'function', nodes: NODES }));
  // Without names of threads all is the main one's, if it is a program of Node.js at all: one of Go has no JavaScript.
  const hasThreads =
    threads.rows.some(({ name }) => name !== '(none)') || !(await stacks(all)).frames.some(isScript);
  const of = (name: string): Condition => ({ key: THREAD, values: [name], negated: false });
  const where = hasThreads ? [of(MAIN_THREAD)] : [];
  const on = (conditions: Condition[], kind = type.name): Selection => ({
    ...selection,
    type: kind,
    where: [...selection.where, ...conditions],
  });
  const measured = async ({ name, unit }: ValueType): Promise<Measured> => {
    const found = await stacks(on(where, name));
    return { type: name, unit, stacks: found, busy: busyValue(found) };
  };
  const passed = await measured(type);
  const used = cpu && cpu !== type ? await measured(cpu) : passed;
  return {
    cpu: used,
    time: passed,
    samples: count ? (await measured(count)).busy : passed.busy / NANOSECONDS_A_SAMPLE,
    hasNative: passed.stacks.frames.some(isNamedV8),
    hasThreads,
    pool: async () => {
      const at = on([of(POOL_THREAD)]);
      const ids = await parsed<Table>(store.table(at, { by: 'os thread id', limit: MOST_THREADS }));
      return { stacks: await stacks(at), threads: ids.rows.length };
    },
    moments: async () => readMoments(await store.timeline(on(where), { limit: MOST_MOMENTS })),
    delays: (moments) => readDelays(store, selection, moments),
  };
}
