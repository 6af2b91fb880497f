import type { JSX } from 'preact';
import type { FrameKind } from '../api/tree.js';

export const KIND_NAMES: ReadonlyMap<FrameKind, string> = new Map([
  ['app', 'your code'],
  ['package', 'package'],
  ['node', 'Node.js'],
  ['native', 'native'],
  ['gc', 'garbage collection'],
]);

/** What the colours by kind mean. */
export function KindLegend(): JSX.Element {
  return (
    <span class="kind-legend">
      {[...KIND_NAMES].map(([kind, text]) => (
        <span key={kind}>
          <span class={`kind kind-${kind}`} />
          {text}
        </span>
      ))}
    </span>
  );
}
