import type { LabelKey } from '../api/answers.js';

/** A line below the filter's field. */
export interface Suggestion {
  /** What the field has when it is taken: `key:` goes on with the values, `key:value` is whole. */
  text: string;
  /** Of whole ones: what the samples with this value count. */
  total: number | undefined;
}

const MOST = 50;

/**
 * What may follow what was typed: keys, then, behind the colon, values of the key. Without a colon values of all keys are found too.
 * A leading `!` stays.
 */
export function suggest(typed: string, keys: readonly LabelKey[]): Suggestion[] {
  const not = typed.startsWith('!') ? '!' : '';
  const text = typed.slice(not.length).trimStart();
  const colon = text.indexOf(':');
  const wanted = (colon < 0 ? text : text.slice(colon + 1)).trim().toLowerCase();
  const matches = (candidate: string) => candidate.toLowerCase().includes(wanted);
  const whole = (key: LabelKey) =>
    key.values
      .filter(({ value }) => matches(value))
      .map(({ value, total }) => ({ text: `${not}${key.key}:${value}`, total }));
  if (colon >= 0) {
    const key = keys.find(({ key: name }) => name === text.slice(0, colon));
    return key ? whole(key).slice(0, MOST) : [];
  }
  const named = keys
    .filter(({ key }) => matches(key))
    .map(({ key }) => ({ text: `${not}${key}:`, total: undefined }));
  return [...named, ...(wanted === '' ? [] : keys.flatMap(whole))].slice(0, MOST);
}
