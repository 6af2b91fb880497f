import type { ComponentChildren, JSX } from 'preact';
import { shortFile } from '../format/names.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { copyText } from '../graph/input/clipboard.js';
import { change, view } from '../state/page.js';

interface Props {
  name: string;
  /** File, with the line where it is known. */
  where: string;
  package: string;
  self: number;
  total: number;
  whole: number;
  unit: string;
  /** Further buttons, before those that every view has. */
  children?: ComponentChildren;
}

/** What is selected, in words and figures, and where to go with it. */
export function FunctionBar(props: Props): JSX.Element {
  const { self, total, whole, unit } = props;
  return (
    <section class="function-bar" aria-label="Selected function" aria-live="polite">
      <div class="function-names">
        <strong class="mono">{props.name}</strong>
        <span class="muted" title={props.where}>
          {shortFile(props.where)}
          {props.package !== '' && ` · ${props.package}`}
        </span>
      </div>
      <dl>
        <dt>Self</dt>
        <dd title={formatExact(self, unit)}>
          {formatValue(self, unit)} <span class="muted">{formatShare(self, whole)}</span>
        </dd>
        <dt>Total</dt>
        <dd title={formatExact(total, unit)}>
          {formatValue(total, unit)} <span class="muted">{formatShare(total, whole)}</span>
        </dd>
      </dl>
      <div class="function-actions">
        {props.children}
        <Goto tab="flame" text="Flame graph" />
        <Goto tab="sandwich" text="Sandwich" />
        <button type="button" class="button" onClick={() => void copyText(props.name)}>
          Copy name
        </button>
      </div>
    </section>
  );
}

function Goto({ tab, text }: { tab: 'flame' | 'sandwich'; text: string }): JSX.Element | null {
  if (view.value.tab === tab) return null;
  return (
    <button type="button" class="button" onClick={() => change({ tab })}>
      {text}
    </button>
  );
}
