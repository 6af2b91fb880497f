import { useEffect } from 'preact/hooks';
import type { LabelKey, Profiles } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { selectionQuery } from '../api/selection.js';
import { parseCondition } from '../state/conditions.js';
import { change } from '../state/page.js';
import { BY_PROFILE, chosenSides, type SideChoice, sideChoices } from '../state/profile-sides.js';
import { report } from '../state/report.js';
import { selection, service, services, subject } from '../state/services.js';
import { useAnswer } from '../state/use-answer.js';
import type { Comparison } from '../state/view.js';

/** Newer ones than these are seldom compared with older ones, and a list of more cannot be read. */
const MOST_CHOICES = 200;

/** Profiles to be compared. */
export interface ComparedProfiles {
  choices: readonly SideChoice[];
  /** Undefined where there are no two. */
  chosen: { a: string; b: string } | undefined;
  names: { a: string; b: string };
  busy: boolean;
}

const askProfiles = (question: string, signal: AbortSignal) => askJson<Profiles>(question, signal);

/**
 * What a comparison of profiles has to choose from; undefined for any other.
 * @param keys tags and labels in what is shown
 */
export function useProfiles(comparison: Comparison, keys: readonly LabelKey[]): ComparedProfiles | undefined {
  const isMeant = comparison.by === BY_PROFILE;
  const about = selection.value;
  const tags = new Set(keys.filter(({ isTag }) => isTag).map(({ key }) => key));
  // Profiles have tags. Conditions on labels would find none: they are for the samples of the sides.
  const where = about?.where.filter((text) => tags.has(parseCondition(text)?.key ?? '')) ?? [];
  const question =
    isMeant && about ? `profiles?${selectionQuery({ ...about, where }, { limit: MOST_CHOICES })}` : undefined;
  const { answer, busy } = useAnswer(question, `profiles ${subject.value}`, askProfiles);
  const shown = service.value;
  if (!isMeant || !shown) return undefined;
  const choices = sideChoices(shown, answer?.profiles ?? [], services.value ?? [], Date.now());
  const chosen = chosenSides(comparison, shown, choices);
  const nameOf = (value: string | undefined) =>
    choices.find((choice) => choice.value === value)?.text ?? 'another profile';
  return { choices, chosen, busy, names: { a: nameOf(chosen?.a), b: nameOf(chosen?.b) } };
}

/**
 * A report cannot be compared by time: it begins with a key that has two values.
 * @param keys the likely ones first
 */
export function useOffered(comparison: Comparison, keys: readonly LabelKey[]): void {
  const isOffered = !report.value || keys.some(({ key }) => key === comparison.by);
  const two = keys.filter(({ values }) => values.filter(({ value }) => value !== '').length > 1);
  const first = (two[0] ?? keys[0])?.key;
  useEffect(() => {
    if (!isOffered && first !== undefined)
      change({ comparison: { ...comparison, by: first, a: '', b: '' } }, 'replace');
  }, [isOffered, first]);
}
