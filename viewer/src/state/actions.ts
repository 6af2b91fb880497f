import { followNow } from './live.js';
import { change, shownWindow, view } from './page.js';
import { loadServices } from './services.js';
import { askAnew } from './use-answer.js';

/** Asks for everything again, up to the present. */
export function refresh(): void {
  askAnew();
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

/** Makes what is brushed the window. */
export function narrowToBrush(): void {
  const { brush } = view.value;
  if (brush) change({ window: brush, brush: undefined, live: false });
}

/** Moves the window by half of its length; it no longer follows the present. */
export function moveWindow(direction: 1 | -1): void {
  const { from, to } = shownWindow.value;
  const by = (direction * (to - from)) / 2;
  change({
    window: { from: Math.round(from + by), to: Math.round(to + by) },
    brush: undefined,
    live: false,
  });
}
