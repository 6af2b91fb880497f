import type { JSX } from 'preact';
import type { Tree } from '../api/tree.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { detailsOf } from '../graph/index.js';

interface Props {
  tree: Tree;
  /** A node that stands for a run of frames. */
  node: number;
  onOpen(): void;
}

/** As the bar of a function, for frames that are folded into one. */
export function RunBar({ tree, node, onOpen }: Props): JSX.Element {
  const { unit } = tree;
  const { name, place } = detailsOf(tree, node);
  const figure = (text: string, value: number) => (
    <>
      <dt>{text}</dt>
      <dd title={formatExact(value, unit)}>
        {formatValue(value, unit)}{' '}
        <span class="muted">{formatShare(value, tree.totalValues[0] as number)}</span>
      </dd>
    </>
  );
  return (
    <section class="function-bar" aria-label="Selected frames" aria-live="polite">
      <div class="function-names">
        <strong class="mono">{name}</strong>
        <span class="muted">{place}</span>
      </div>
      <dl>
        {figure('Self', tree.selfValues[node] as number)}
        {figure('Total', tree.totalValues[node] as number)}
      </dl>
      <div class="function-actions">
        <button type="button" class="button" title="Show each of these frames (o)" onClick={onOpen}>
          Open
        </button>
      </div>
    </section>
  );
}
