import { chooseFiles } from '../import/open-files.js';
import { moveWindow, narrowToBrush, refresh, switchLive } from './actions.js';
import { change } from './page.js';
import { offeredTabs, report } from './report.js';
import { switchTheme } from './theme.js';

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** They ask a collector for something else, such as another time: a report has none. */
const OF_COLLECTOR: readonly (readonly [string, () => void])[] = [
  ['i', () => change({ tab: 'insights' })],
  ['b', () => focus('.strip-plot')],
  ['z', narrowToBrush],
  ['[', () => moveWindow(-1)],
  [']', () => moveWindow(1)],
  ['l', switchLive],
  ['r', refresh],
  ['u', chooseFiles],
];

/**
 * Acts on the keys of the whole page. Keys that are typed into a field, or pressed together with another that the browser or the
 * system may mean, are none.
 */
export function listenToKeys(onHelp: () => void): () => void {
  const actions = new Map<string, () => void>([
    ['?', onHelp],
    ['/', () => focus('[data-search]')],
    ['f', () => focus('.filters input')],
    ['t', switchTheme],
    ...(report.value ? [] : OF_COLLECTOR),
    ...offeredTabs()
      .slice(0, 9)
      .map((tab, index): [string, () => void] => [String(index + 1), () => change({ tab })]),
  ]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if ((event.target as Element).closest('input, select, textarea, dialog')) return;
    const action = actions.get(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}
