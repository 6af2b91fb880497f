import { parsed, type Selection, type Store } from '../collector/store';
import type { Moments } from './moments';

/** How long event loops kept events waiting, as the loops themselves have measured it. Only profiles of Everflame tell. */
export interface Delays {
  /**
   * The longest, in milliseconds, that an event had to wait which came to a process at a time (milliseconds since the epoch), or within
   * the second around it. Undefined where the process does not tell.
   */
  at(process: string, time: number): number | undefined;
}

/** Of profiles that tell nothing of it. */
const NO_DELAYS: Delays = { at: () => undefined };

/** What all samples of one process have in common. */
const PROCESS = 'runtime-id';
/** Those with the shorter delays beyond so many are not told apart. */
const MOST_PROCESSES = 50;
/** As processes tell it. */
const STEP = 1000;
const MILLISECOND = 1e6;

interface Metrics {
  /** Milliseconds. */
  from: number;
  step: number;
  metrics: { name: string; series: { name: string; max: (number | null)[] }[] }[];
}

/** Asks the store for the delays of the time that samples are of. */
export async function readDelays(
  store: Store,
  selection: Selection,
  { samples, processes }: Moments,
): Promise<Delays> {
  // Where no process has an id, none can be told apart by it.
  if (samples.length === 0 || !processes.some(Boolean)) return NO_DELAYS;
  const [first, last] = samples.reduce(
    ([least, most], { end }) => [Math.min(least, end), Math.max(most, end)],
    [Number.POSITIVE_INFINITY, 0],
  );
  const range = { ...selection, from: Math.floor(first) - STEP, to: Math.ceil(last) + STEP };
  const { from, step, metrics } = await parsed<Metrics>(
    store.metrics(range, { step: STEP, by: PROCESS, limit: MOST_PROCESSES }),
  );
  const series = metrics.find(({ name }) => name === 'delay')?.series ?? [];
  const known = new Map(series.map(({ name, max }) => [name, max]));
  const of = (delays: (number | null)[], time: number) =>
    delays[Math.floor((time - from) / step)] ?? undefined;
  return {
    at(process, time) {
      const delays = known.get(process);
      if (!delays) return undefined;
      // A second that a process tells of is in the step that has its middle: this one's may be half a step before or behind. Its
      // profile, which has the sample, has told of it: the other may be none of the process's life.
      const around = [of(delays, time - step / 2), of(delays, time + step / 2)].filter(
        (one) => one !== undefined,
      );
      return around.length === 0 ? undefined : Math.max(...around) / MILLISECOND;
    },
  };
}
