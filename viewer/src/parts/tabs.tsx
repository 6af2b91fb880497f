import type { JSX } from 'preact';
import { change } from '../state/page.js';
import type { Tab } from '../state/view.js';

const NAMES: Record<Tab, string> = {
  flame: 'Flame graph',
  top: 'Top table',
  tree: 'Call tree',
  sandwich: 'Sandwich',
  compare: 'Compare',
  timeline: 'Timeline',
  threads: 'Threads',
  endpoints: 'Endpoints',
  packages: 'Packages',
  labels: 'Labels',
  profiles: 'Profiles',
  insights: 'Insights',
  source: 'Source',
  exceptions: 'Exceptions',
  locks: 'Locks',
};

/** The views of the selection. */
export function Tabs({ tabs, tab }: { tabs: readonly Tab[]; tab: Tab }): JSX.Element {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.indexOf(tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const chosen = tabs[(next + tabs.length) % tabs.length] as Tab;
    change({ tab: chosen });
    document.getElementById(`tab-${chosen}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={onKeyDown}>
      {tabs.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === tab}
          aria-controls="panel"
          tabIndex={name === tab ? 0 : -1}
          onClick={() => change({ tab: name })}
        >
          {NAMES[name]}
        </button>
      ))}
    </div>
  );
}
