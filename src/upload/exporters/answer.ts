import type { Answer } from '../upload';

/** Most characters of an answer in a message. */
const MOST_CHARACTERS = 300;

/**
 * The receiver's own word on when to come again, in milliseconds from now: `Retry-After` in seconds or as a date (RFC 9110,
 * section 10.2.3). Undefined where it says nothing that can be understood.
 */
function retryAfter(answer: Answer, now = Date.now()): number | undefined {
  const value = answer.headers['retry-after']?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A text of a receiver as a part of one line: without what would end the line or colour the terminal. */
export function inOneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get into a log.
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}

/** `429 (too many)`, or the status alone where there is no message. */
export function statusWith(answer: Answer, message: string): string {
  const line = inOneLine(message);
  return line === '' ? `${answer.status}` : `${answer.status} (${line})`;
}

/** Whether a status says that the same request may be taken later. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** The fields of a verdict to retry; `afterMilliseconds` is there only where the receiver has named a time. */
export function retry(
  answer: Answer,
  reason: string,
): { kind: 'retry'; reason: string; afterMilliseconds?: number } {
  const afterMilliseconds = retryAfter(answer);
  return { kind: 'retry', reason, ...(afterMilliseconds !== undefined && { afterMilliseconds }) };
}
