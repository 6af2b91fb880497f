import type { JSX } from 'preact';
import { formatDuration, formatRange } from '../format/time.js';
import { Icon } from '../parts/icons.js';
import { Segments } from '../parts/segments.js';
import { narrowToBrush, refresh, switchLive } from '../state/actions.js';
import { connection, followNow } from '../state/live.js';
import { change, now, shownWindow, view } from '../state/page.js';
import { loadServices } from '../state/services.js';
import { HOUR } from '../state/view.js';

const PRESETS: [text: string, milliseconds: number][] = [
  ['5 min', HOUR / 12],
  ['15 min', HOUR / 4],
  ['1 h', HOUR],
  ['6 h', 6 * HOUR],
  ['24 h', 24 * HOUR],
  ['7 d', 7 * 24 * HOUR],
];

/** The window of time: its presets, what it is, and whether it follows. */
export function TimeChoice(): JSX.Element {
  const { window, live, brush } = view.value;
  const { from, to } = shownWindow.value;
  const isOpen = connection.value === 'open';
  return (
    <>
      {'last' in window && to < now.value && (
        <span class="warn since" title="The window ends with the last profile that there is">
          nothing for {formatDuration(now.value - to)}
        </span>
      )}
      <span class="range" title={Intl.DateTimeFormat().resolvedOptions().timeZone}>
        {formatRange(from, to, Date.now())}
      </span>
      <Segments
        label="Window of time"
        value={'last' in window ? String(window.last) : undefined}
        options={PRESETS.map(([text, last]) => ({ value: String(last), text, title: `The last ${text}` }))}
        onChange={(last) => {
          loadServices();
          followNow();
          change({ window: { last: Number(last) }, brush: undefined });
        }}
      />
      {brush && (
        <button
          type="button"
          class="tool"
          aria-label="Make the brushed range the window"
          title="Make the brushed range the window (z)"
          onClick={narrowToBrush}
        >
          <Icon name="narrow" />
        </button>
      )}
      <button
        type="button"
        class="button live"
        aria-pressed={live}
        title={
          live
            ? isOpen
              ? 'Follows what arrives (l)'
              : 'Waits for the collector (l)'
            : 'Follow what arrives (l)'
        }
        onClick={switchLive}
      >
        <span class={live && isOpen ? 'dot on' : 'dot'} />
        Live
      </button>
      <button type="button" class="tool" aria-label="Refresh" title="Refresh (r)" onClick={refresh}>
        <Icon name="refresh" />
      </button>
    </>
  );
}
