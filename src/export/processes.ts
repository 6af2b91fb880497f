import type { Condition } from '../collector/store';
import type { ProfileEntry } from './answers';

/** Processes, or groups of them, that tags tell apart. */
export interface Process {
  tags: Record<string, string>;
  /** Meet the samples of this one and of no other. */
  where: Condition[];
}

/** Each is asked for by itself, so that the time that takes is bounded; beyond, all are one without tags. */
const MOST = 20;

/** All together: for samples that are not told apart by tags. */
export const ALL_AS_ONE: readonly Process[] = [{ tags: {}, where: [] }];

/** The processes whose profiles these are. Undefined where they are too many. */
export function processesOf(profiles: readonly ProfileEntry[]): Process[] | undefined {
  const sets = new Map<string, Record<string, string>>();
  for (const { tags } of profiles) {
    const ordered = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
    sets.set(JSON.stringify(ordered), tags);
    if (sets.size > MOST) return undefined;
  }
  const all = [...sets.values()];
  const keys = [...new Set(all.flatMap((tags) => Object.keys(tags)))];
  return all.map((tags) => {
    const own = new Map(Object.entries(tags));
    // An empty value is meant by those that lack the key.
    const where = keys.map((key) => ({ key, values: [own.get(key) ?? ''], negated: false }));
    return { tags, where };
  });
}
