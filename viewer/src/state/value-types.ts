import type { Service } from '../api/answers.js';
import type { Tab } from './view.js';

/** Kinds of value that have a view of their own, as profiles name them. */
export const EXCEPTIONS = ['exception-samples'] as const;
export const LOCKS = ['lock-acquire', 'lock-acquire-wait', 'lock-release', 'lock-release-hold'] as const;

/** Whether a service has what a view shows; most show any kind of value. */
export function hasValuesFor(tab: Tab, of: Service | undefined): boolean {
  const types = (tab === 'exceptions' && EXCEPTIONS) || (tab === 'locks' && LOCKS);
  return !types || types.some((type) => of?.types.some(({ name }) => name === type) ?? false);
}
