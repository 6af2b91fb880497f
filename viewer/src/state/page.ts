import { computed, signal } from '@preact/signals';
import { parseView, printView } from './address.js';
import { knownSeconds } from './known-seconds.js';
import { lastWindow } from './last-window.js';
import { isReport, readPlace, writePlace } from './place.js';
import { report } from './report.js';
import { DEFAULT_VIEW, type Span, type View } from './view.js';

/** What the page shows. Change it by {@link change} only, so that the address says the same. */
export const view = signal<View>(readView());

/** The instant that a window of the last so many milliseconds ends at. */
export const now = signal(Date.now());

/** Whether this event has made a step already: what one click changes in two places is taken back as one. */
let hasPushed = false;

/**
 * Shows something else.
 * @param how `push` makes a step that the back button takes back; `replace` is for what changes with each key or frame
 */
export function change(changes: Partial<View>, how: 'push' | 'replace' = 'push'): void {
  const next = { ...view.value, ...changes };
  const query = printView(next);
  if (query === printView(view.value)) return;
  if (how === 'push' && !hasPushed) {
    writePlace(query, 'push');
    hasPushed = true;
    queueMicrotask(() => {
      hasPushed = false;
    });
  } else writePlace(query, 'replace');
  view.value = next;
}

addEventListener('popstate', () => {
  view.value = readView();
});

/** The first and the last instant of the service shown; undefined as long as they are not known. */
export const knownSpan = signal<Span | undefined>(undefined);

/** What the strips show. */
export const shownWindow = computed<Span>(() => {
  const { window } = view.value;
  if (report.value) return report.value.range;
  return 'last' in window ? lastWindow(window.last, now.value, knownSpan.value) : window;
});

/** What everything but the strips shows. */
export const shownSpan = computed<Span>(() => view.value.brush ?? shownWindow.value);

/** The seconds that rates of what is shown are by. */
export const shownSeconds = computed<number>(() => knownSeconds(shownSpan.value, knownSpan.value));

/** A report is of one service and one time, whatever an address says. */
function readView(): View {
  const { service, window, brush, live } = DEFAULT_VIEW;
  return { ...parseView(readPlace()), ...(isReport && { service, window, brush, live }) };
}
