/** What `everflame query` can be asked for. */
export const QUESTIONS = ['services', 'labels', 'table', 'series', 'profiles'] as const;
export type Question = (typeof QUESTIONS)[number];
