import type { Metrics, Series } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { selectionQuery } from '../api/selection.js';
import { shownWindow, view } from '../state/page.js';
import { report } from '../state/report.js';
import { service } from '../state/services.js';
import { type Answered, useAnswer } from '../state/use-answer.js';
import { stepFor } from './steps.js';

export const askSeries = (question: string, signal: AbortSignal) => askJson<Series>(question, signal);
export const askMetrics = (question: string, signal: AbortSignal) => askJson<Metrics>(question, signal);

/**
 * Asks for figures over the window of the strips, in steps of which it has a readable number.
 * @param more parameters beside the selection; undefined: nothing is asked
 * @param ask one and the same function at each call
 */
export function useSteps<Answer>(
  path: string,
  more: { type?: string; by?: string } | undefined,
  ask: (question: string, signal: AbortSignal) => Promise<Answer>,
): Answered<Answer> {
  const { window } = view.value;
  // Of parts of its samples over time a report has nothing.
  const where = report.value ? [] : view.value.where;
  const span = shownWindow.value;
  const name = service.value?.name;
  const step = stepFor(span);
  // From the start of a step, so that a window that moves asks for whole ones.
  const from = Math.floor(span.from / step) * step;
  const question =
    name &&
    more &&
    `${path}?${selectionQuery({ service: name, from, to: span.to, type: more.type, where }, { step, by: more.by })}`;
  const subject = JSON.stringify([path, name, more, where, window]);
  return useAnswer(question || undefined, subject, ask);
}
