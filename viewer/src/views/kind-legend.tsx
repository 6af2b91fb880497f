import type { JSX } from 'preact';
import type { FrameKind } from '../api/tree.js';

const KINDS: [kind: FrameKind, text: string][] = [
  ['app', 'your code'],
  ['package', 'package'],
  ['node', 'Node.js'],
  ['native', 'native'],
  ['gc', 'garbage collection'],
];

/** What the colours by kind mean. */
export function KindLegend(): JSX.Element {
  return (
    <span class="kind-legend">
      {KINDS.map(([kind, text]) => (
        <span key={kind}>
          <span class={`kind kind-${kind}`} />
          {text}
        </span>
      ))}
    </span>
  );
}
