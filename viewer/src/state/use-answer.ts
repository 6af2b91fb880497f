import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Latest } from './latest.js';

/** What a component shows of an answer that it waits for. */
export interface Answered<Answer> {
  /** The newest answer to the same subject; it stays while the next is under way, and beside an error of that. */
  answer: Answer | undefined;
  error: Error | undefined;
  busy: boolean;
}

const NOTHING: Answered<never> = { answer: undefined, error: undefined, busy: false };
/** Answers that the back button and another tab find again. */
const KEPT = 16;
const kept = new Map<string, unknown>();
/** Counts how often everything was to be asked anew. */
const round = signal(0);

/**
 * Asks the collector, and again whenever the question changes.
 * @param question path and query; undefined: nothing is asked
 * @param subject what the question is about, apart from the time that live mode moves: see {@link Latest}
 * @param ask one and the same function at each call
 */
export function useAnswer<Answer>(
  question: string | undefined,
  subject: string,
  ask: (question: string, signal: AbortSignal) => Promise<Answer>,
): Answered<Answer> {
  const [answered, setAnswered] = useState<Answered<Answer>>(NOTHING);
  const latest = useRef<Latest<Answer> | undefined>(undefined);
  /** Subjects of the answer that is shown, and of the newest question. */
  const shown = useRef<string | undefined>(undefined);
  const asked = useRef(subject);
  latest.current ??= new Latest<Answer>({
    answer: (answer) => {
      shown.current = asked.current;
      setAnswered({ answer, error: undefined, busy: false });
    },
    // A collector that has ended takes nothing away that was shown of it.
    failed: (error) =>
      setAnswered(({ answer }) => ({
        answer: shown.current === asked.current ? answer : undefined,
        error: error as Error,
        busy: false,
      })),
    busy: (busy) => setAnswered((before) => ({ ...before, busy })),
  });
  useEffect(() => () => latest.current?.stop(), []);
  useEffect(() => {
    asked.current = subject;
    if (question === undefined) {
      latest.current?.stop();
      setAnswered(NOTHING);
      return;
    }
    if (kept.has(question)) {
      latest.current?.stop();
      shown.current = subject;
      setAnswered({ answer: kept.get(question) as Answer, error: undefined, busy: false });
      return;
    }
    latest.current?.ask(subject, async (signal) => {
      const answer = await ask(question, signal);
      keep(question, answer);
      return answer;
    });
  }, [question, subject, ask, round.value]);
  return answered;
}

/** Asks everything that is shown of the collector again. */
export function askAnew(): void {
  kept.clear();
  round.value++;
}

function keep(question: string, answer: unknown): void {
  kept.set(question, answer);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
}
