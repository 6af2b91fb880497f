import type { Condition, Selection } from '../store';
import type { Parameters } from './parameters';

const HOUR = 3_600_000;
const MOST_CONDITIONS = 64;
const MOST_CHARACTERS = 4096;

/** Reads a selection: docs/api.md. Throws a Refusal for one that cannot be. `now` is in milliseconds since the epoch. */
export function readSelection(parameters: Parameters, now = Date.now()): Selection {
  const service = parameters.required('service', 'the name of a service, as /api/v1/services lists them');
  const to = parameters.time('to') ?? now;
  const from = parameters.time('from') ?? Math.max(0, to - HOUR);
  if (from >= to)
    throw parameters.bad('from', `is ${from}, which is not before to, ${to}. Give an earlier one.`);
  const type = parameters.text('type');
  const where = readConditions(parameters);
  return { service, from, to, ...(type ? { type } : {}), where };
}

/** `key:value`, or `!key:value`. Of the same key either value is meant, or with the sign none of them. */
function readConditions(parameters: Parameters): Condition[] {
  const given = parameters.texts('where');
  if (given.length > MOST_CONDITIONS)
    throw parameters.bad(
      'where',
      `is there ${given.length} times. Give it ${MOST_CONDITIONS} times at most.`,
    );
  const found = new Map<string, Condition>();
  for (const text of given) {
    const negated = text.startsWith('!');
    const plain = negated ? text.slice(1) : text;
    const colon = plain.indexOf(':');
    if (colon <= 0 || plain.length > MOST_CHARACTERS) {
      throw parameters.bad(
        'where',
        `is ${JSON.stringify(text.slice(0, 60))}. Give key:value, or !key:value for all but that.`,
      );
    }
    const [key, value] = [plain.slice(0, colon), plain.slice(colon + 1)];
    const name = `${negated} ${key}`;
    const condition = found.get(name);
    if (condition) condition.values.push(value);
    else found.set(name, { key, values: [value], negated });
  }
  return [...found.values()];
}
