import { EverflameError } from '../engine';

/** What `everflame query` can be asked for. */
export const QUESTIONS = [
  'services',
  'labels',
  'table',
  'series',
  'metrics',
  'profiles',
  'insights',
] as const;
export type Question = (typeof QUESTIONS)[number];

const SELECTION = ['service', 'from', 'to', 'last', 'type', 'where', 'limit'] as const;

/** The options that mean something to each question, beside those that name the store and the form. */
const USED: Readonly<Record<Question, readonly string[]>> = {
  services: [],
  labels: SELECTION,
  table: [...SELECTION, 'by'],
  series: [...SELECTION, 'by', 'step'],
  metrics: [...SELECTION.filter((option) => option !== 'type'), 'by', 'step'],
  profiles: SELECTION,
  // Each rule has its own kind of value.
  insights: ['service', 'from', 'to', 'last', 'where'],
};
const OF_ALL = ['inbox', 'store', 'json'];

/** Whoever gives an option expects it to have a part in the answer. Throws an EverflameError for one that has none. */
export function refuseUnused(question: Question, options: object): void {
  const used = [...USED[question], ...OF_ALL];
  const given = Object.entries(options).filter(([, value]) => value !== undefined && String(value) !== '');
  const unused = given.find(([name]) => !used.includes(name));
  if (!unused) return;
  const takers = QUESTIONS.filter((one) => USED[one].includes(unused[0]));
  throw new EverflameError(
    'BAD_QUERY',
    `--${unused[0]} says nothing about ${question}: leave it out, or ask for ${takers.join(' or ')}`,
  );
}
