import type { JSX } from 'preact';
import { formatDuration, formatRange } from '../format/time.js';
import { Icon } from '../parts/icons.js';
import { Segments } from '../parts/segments.js';
import { connection, followNow } from '../state/live.js';
import { change, shownWindow, view } from '../state/page.js';
import { loadServices } from '../state/services.js';
import { forgetAnswers } from '../state/use-answer.js';
import { HOUR } from '../state/view.js';

const PRESETS = [HOUR / 12, HOUR / 4, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR];

/** Asks for everything again, up to the present. */
export function refresh(): void {
  forgetAnswers();
  loadServices();
  followNow();
}

/** Turns live mode on or off. A fixed window becomes the last so much time, which alone can follow. */
export function switchLive(): void {
  const { live, window } = view.value;
  const { from, to } = shownWindow.value;
  if (live) change({ live: false });
  else {
    followNow();
    change({
      live: true,
      window: 'last' in window ? window : { last: Math.round(to - from) },
      brush: undefined,
    });
  }
}

/** The window of time: its presets, what it is, and whether it follows. */
export function TimeChoice(): JSX.Element {
  const { window, live, brush } = view.value;
  const { from, to } = shownWindow.value;
  const isOpen = connection.value === 'open';
  return (
    <>
      <span class="range" title={Intl.DateTimeFormat().resolvedOptions().timeZone}>
        {formatRange(from, to, Date.now())}
      </span>
      <Segments
        label="Window of time"
        value={'last' in window ? String(window.last) : undefined}
        options={PRESETS.map((last) => ({
          value: String(last),
          text: formatDuration(last),
          title: `The last ${formatDuration(last)}`,
        }))}
        onChange={(last) => {
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

/** Makes what is brushed the window. */
export function narrowToBrush(): void {
  const { brush } = view.value;
  if (brush) change({ window: brush, brush: undefined, live: false });
}
