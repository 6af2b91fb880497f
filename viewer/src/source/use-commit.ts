import type { Labels } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { useSelected } from '../state/use-selected.js';
import type { Commit } from './repository.js';

const askLabels = (question: string, signal: AbortSignal) => askJson<Labels>(question, signal);

/** The commit that most of what is shown ran of, as far as its processes say. */
export function useCommit(): Commit | undefined {
  const { answer } = useSelected('labels', {}, askLabels);
  const most = (name: string) =>
    answer?.keys
      .find(({ key, isTag }) => isTag && key === name)
      ?.values.filter(({ value }) => value !== '')
      .reduce<{ value: string; total: number } | undefined>(
        (best, one) => (best && best.total >= one.total ? best : one),
        undefined,
      )?.value;
  const [repository, sha] = [most('git.repository_url'), most('git.commit.sha')];
  return repository === undefined || sha === undefined ? undefined : { repository, sha };
}
