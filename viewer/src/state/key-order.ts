import type { LabelKey } from '../api/answers.js';

/** Tags and labels that somebody is likely to mean, the likeliest first. */
const LIKELY = ['file', 'version', 'env', 'host', 'trace endpoint', 'thread name'];

/** Keys in the order in which they are offered: the likely ones, then all others as they come. */
export function byUse(keys: readonly LabelKey[]): LabelKey[] {
  const place = ({ key }: LabelKey) => {
    const at = LIKELY.indexOf(key);
    return at < 0 ? LIKELY.length : at;
  };
  return keys.toSorted((a, b) => place(a) - place(b));
}
