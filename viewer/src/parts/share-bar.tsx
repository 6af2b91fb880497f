import type { JSX } from 'preact';

/** A bar as wide as the share: what the figure beside it says, for the eye. */
export function ShareBar({ part, whole }: { part: number; whole: number }): JSX.Element {
  const percent = whole > 0 ? Math.max(0, Math.min(100, (part / whole) * 100)) : 0;
  return (
    <span class="share-bar" aria-hidden="true">
      {percent > 0 && <span style={{ width: `${percent}%` }} />}
    </span>
  );
}
