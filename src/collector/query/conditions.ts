import type { Condition } from '../store';

/**
 * Conditions from texts: `key:value`, or `!key:value` for all but that. Of the same key either value is meant, or with the sign none
 * of them. `refuse` makes the error for a text that is neither.
 */
export function parseConditions(texts: readonly string[], refuse: (text: string) => Error): Condition[] {
  const found = new Map<string, Condition>();
  for (const text of texts) {
    const negated = text.startsWith('!');
    const plain = negated ? text.slice(1) : text;
    const colon = plain.indexOf(':');
    if (colon <= 0) throw refuse(text);
    const [key, value] = [plain.slice(0, colon), plain.slice(colon + 1)];
    const name = `${negated} ${key}`;
    const condition = found.get(name);
    if (condition) condition.values.push(value);
    else found.set(name, { key, values: [value], negated });
  }
  return [...found.values()];
}
