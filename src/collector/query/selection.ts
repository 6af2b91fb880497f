import type { Condition, Selection } from '../store';
import { parseConditions } from './conditions';
import type { Parameters } from './parameters';

const HOUR = 3_600_000;
const MOST_CONDITIONS = 64;
/** A key and a value as long as the store keeps them. */
const MOST_CHARACTERS = 16_384;

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

function readConditions(parameters: Parameters): Condition[] {
  const given = parameters.texts('where');
  if (given.length > MOST_CONDITIONS)
    throw parameters.bad(
      'where',
      `is there ${given.length} times. Give it ${MOST_CONDITIONS} times at most.`,
    );
  const refuse = (text: string) =>
    parameters.bad(
      'where',
      `is ${JSON.stringify(text.slice(0, 60))}. Give key:value, or !key:value for all but that.`,
    );
  // Without the sign.
  const long = given.find((text) => text.length - Number(text.startsWith('!')) > MOST_CHARACTERS);
  if (long !== undefined)
    throw parameters.bad('where', `has more than ${MOST_CHARACTERS} characters. Give a shorter one.`);
  return parseConditions(given, refuse);
}
