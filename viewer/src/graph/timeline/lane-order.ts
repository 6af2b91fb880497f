import type { LaneSamples } from './lanes.js';

/** Milliseconds without a sample, at the end, after which a process is taken to have ended: profiles come each minute at the seldomest. */
const ENDED_AFTER = 61_000;

/**
 * Lanes as a reader looks for them, and as they stay while more comes in: processes that run before those that have ended, each with its
 * main thread first, then those that run JavaScript, which have the small ids, then the others, then events.
 */
export function inOrder(lanes: LaneSamples[]): LaneSamples[] {
  const last = new Map<string, number>();
  for (const { lane, end } of lanes) {
    const own = end[end.length - 1] as number;
    last.set(lane.runtimeId, Math.max(last.get(lane.runtimeId) ?? own, own));
  }
  const latest = Math.max(...last.values());
  /** 0 for all that run, so that they do not change places. */
  const endedFor = ({ lane }: LaneSamples) => {
    const ago = latest - (last.get(lane.runtimeId) as number);
    return ago > ENDED_AFTER ? ago : 0;
  };
  const keys = new Map(
    lanes.map((samples) => {
      const { name, threadId, runtimeId } = samples.lane;
      const isOther = !/^main/i.test(name);
      const id = /^\d+$/.test(threadId) ? Number(threadId) : Number.POSITIVE_INFINITY;
      return [samples, [endedFor(samples), runtimeId, samples.events, isOther, id, name, samples.index]];
    }),
  );
  return lanes.toSorted((a, b) => compare(keys.get(a) ?? [], keys.get(b) ?? []));
}

type Key = number | string | boolean;

/** By the first key in which two differ. */
function compare(a: Key[], b: Key[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  if (at < 0) return 0;
  return (a[at] as Key) < (b[at] as Key) ? -1 : 1;
}
