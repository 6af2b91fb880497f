import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Filters } from './header/filters.js';
import { Header } from './header/header.js';
import { DropTarget } from './import/drop-target.js';
import { FileList } from './import/file-list.js';
import { Shortcuts } from './parts/shortcuts.js';
import { NoService } from './parts/status.js';
import { Tabs } from './parts/tabs.js';
import { Strips } from './series/strips.js';
import { listenToKeys } from './state/keys.js';
import { view } from './state/page.js';
import { offeredTabs, report } from './state/report.js';
import { selection, service } from './state/services.js';
import { hasValuesFor } from './state/value-types.js';
import type { Tab } from './state/view.js';
import { EndpointsView, LabelsView, PackagesView, ThreadsView } from './views/by-key.js';
import { CallTreeView } from './views/call-tree.js';
import { CompareView } from './views/compare.js';
import { ExceptionsView } from './views/exceptions.js';
import { FlameView } from './views/flame.js';
import { InsightsView } from './views/insights.js';
import { LocksView } from './views/locks.js';
import { ProfilesView } from './views/profiles.js';
import { SandwichView } from './views/sandwich.js';
import { SourceView } from './views/source.js';
import { TimelineView } from './views/timeline.js';
import { TopView } from './views/top.js';

const VIEWS: Record<Tab, () => JSX.Element | null> = {
  flame: FlameView,
  top: TopView,
  tree: CallTreeView,
  sandwich: SandwichView,
  compare: CompareView,
  timeline: TimelineView,
  threads: ThreadsView,
  endpoints: EndpointsView,
  packages: PackagesView,
  labels: LabelsView,
  profiles: ProfilesView,
  insights: InsightsView,
  source: SourceView,
  exceptions: ExceptionsView,
  locks: LocksView,
};

/** The whole page. */
export function App(): JSX.Element {
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const help = () => setIsHelpOpen(true);
  useEffect(() => listenToKeys(help), []);
  // An address may name a view whose values this service does not have.
  const tabs = offeredTabs().filter((name) => name === view.value.tab || hasValuesFor(name, service.value));
  const tab = tabs.find((name) => name === view.value.tab) ?? 'flame';
  const View = VIEWS[tab];
  const hasData = selection.value !== undefined;
  const name = service.value?.name;
  useEffect(() => {
    document.title = name === undefined ? 'Everflame' : `${name} · Everflame`;
  }, [name]);
  return (
    <>
      <Header onHelp={help} />
      {hasData && <Filters />}
      {hasData && <Strips />}
      <main class="main">
        {hasData && <Tabs tabs={tabs} tab={tab} />}
        {hasData ? (
          <div class="panel" id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
            <View key={tab} />
          </div>
        ) : (
          <NoService />
        )}
      </main>
      <FileList />
      {!report.value && <DropTarget />}
      <Shortcuts isOpen={isHelpOpen} onClose={() => setIsHelpOpen(false)} />
    </>
  );
}
