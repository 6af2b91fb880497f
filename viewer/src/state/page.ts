import { computed, signal } from '@preact/signals';
import { parseView, printView } from './address.js';
import type { Span, View } from './view.js';

/** What the page shows. Change it by {@link change} only, so that the address says the same. */
export const view = signal<View>(parseView(location.search));

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
  const address = query === '' ? location.pathname : `?${query}`;
  if (how === 'push' && !hasPushed) {
    history.pushState(null, '', address);
    hasPushed = true;
    queueMicrotask(() => {
      hasPushed = false;
    });
  } else history.replaceState(null, '', address);
  view.value = next;
}

addEventListener('popstate', () => {
  view.value = parseView(location.search);
});

/** What the strips show. */
export const shownWindow = computed<Span>(() => {
  const { window } = view.value;
  return 'last' in window ? { from: now.value - window.last, to: now.value } : window;
});

/** What everything but the strips shows. */
export const shownSpan = computed<Span>(() => view.value.brush ?? shownWindow.value);
