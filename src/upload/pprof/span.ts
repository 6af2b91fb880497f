import type { Label, LabelSet } from './model';

/** The span in which a sample was taken; both in lower-case hexadecimal digits. */
export interface Span {
  /** 16 digits. */
  spanId?: string;
  /** 32 digits. */
  traceId?: string;
}

const SPAN_ID = 'span id';
const TRACE_ID = 'trace id';

/** Whether a label is a part of what `spanOf` tells. */
export function isOfSpan({ key }: Label): boolean {
  return key === SPAN_ID || key === TRACE_ID;
}

/** The span in a sample's labels. An id of another length, or of zeros alone, is none. */
export function spanOf(set: LabelSet): Span {
  const span: Span = {};
  for (const label of set) {
    const text = 'text' in label ? label.text.toLowerCase() : label.number.toString(16).padStart(16, '0');
    if (label.key === SPAN_ID && /^(?!0+$)[0-9a-f]{16}$/.test(text)) span.spanId = text;
    if (label.key === TRACE_ID && /^(?!0+$)[0-9a-f]{32}$/.test(text)) span.traceId = text;
  }
  return span;
}
