import type { GivenProfile, GivenSample } from './samples.js';

/** A request that the API refuses, with its sentence. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A sample that was selected, and what it counts. */
export interface Chosen {
  profile: GivenProfile;
  sample: GivenSample;
  value: number;
}

/** What a query string selects. */
export interface Selected {
  type: string;
  unit: string;
  from: number;
  to: number;
  /** The profiles found, and those of their samples that count for the type. */
  profiles: GivenProfile[];
  chosen: Chosen[];
}

export function unitOf(type: string): string {
  if (type === 'cpu' || type === 'wall' || /-(wait|hold)$/.test(type)) return 'nanoseconds';
  return type.endsWith('_space') ? 'bytes' : 'count';
}

export function typesOf(profiles: readonly GivenProfile[]): string[] {
  return [...new Set(profiles.flatMap(({ samples }) => samples.flatMap(({ values }) => [...values.keys()])))];
}

/** Selects as docs/api.md says. */
export function select(all: readonly GivenProfile[], query: URLSearchParams, now: number): Selected {
  const service = query.get('service');
  const ofService = all.filter((profile) => profile.service === service);
  if (ofService.length === 0)
    throw new Refusal(404, `There is no service ${service}. /services lists those there are.`);
  const to = Number(query.get('to') ?? now);
  const from = Number(query.get('from') ?? to - 3_600_000);
  if (!Number.isFinite(from) || !Number.isFinite(to) || from >= to)
    throw new Refusal(400, 'from is not before to. Give both in milliseconds since the epoch.');
  const types = typesOf(ofService);
  const type =
    query.get('type') ?? ['cpu', 'wall'].find((name) => types.includes(name)) ?? (types[0] as string);
  if (!types.includes(type))
    throw new Refusal(400, `${service} has no values of type ${type}, only ${types.join(', ')}.`);
  const conditions = query.getAll('where').map(parseCondition);
  const inRange = ofService.filter((profile) => {
    const middle = (profile.from + profile.to) / 2;
    return middle >= from && middle < to;
  });
  const chosen = inRange.flatMap((profile) =>
    profile.samples.flatMap((sample) => {
      const value = sample.values.get(type);
      return value !== undefined && holds(conditions, profile, sample) ? [{ profile, sample, value }] : [];
    }),
  );
  const found = new Set(chosen.map(({ profile }) => profile));
  return {
    type,
    unit: unitOf(type),
    from,
    to,
    profiles: inRange.filter((profile) => found.has(profile)),
    chosen,
  };
}

interface Condition {
  key: string;
  value: string;
  not: boolean;
}

function parseCondition(text: string): Condition {
  const not = text.startsWith('!');
  const colon = text.indexOf(':');
  if (colon < 0) throw new Refusal(400, `where=${text} has no colon. Write it as key:value.`);
  return { key: text.slice(not ? 1 : 0, colon), value: text.slice(colon + 1), not };
}

function holds(conditions: Condition[], profile: GivenProfile, sample: GivenSample): boolean {
  const keys = new Set(conditions.filter(({ not }) => !not).map(({ key }) => key));
  const valueFor = (key: string) => profile.tags.get(key) ?? sample.labels.get(key) ?? '';
  for (const key of keys)
    if (
      !conditions.some(
        (condition) => !condition.not && condition.key === key && condition.value === valueFor(key),
      )
    )
      return false;
  return !conditions.some(({ not, key, value }) => not && valueFor(key) === value);
}

/** The value that a sample has of a key; of `kind`, of what ran in it. */
export function keyOf({ profile, sample }: Chosen, key: string): string {
  if (key === 'kind') return sample.stack.at(-1)?.kind ?? '(none)';
  return profile.tags.get(key) ?? sample.labels.get(key) ?? '';
}

export function sum(chosen: readonly { value: number }[]): number {
  return chosen.reduce((total, { value }) => total + value, 0);
}
