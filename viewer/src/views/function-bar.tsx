import type { ComponentChildren, JSX } from 'preact';
import type { FrameKind, Tree } from '../api/tree.js';
import { place, shortFile } from '../format/names.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { copyText } from '../graph/input/clipboard.js';
import { change, view } from '../state/page.js';
import { showSource, sourceAction } from '../state/source.js';

export interface FunctionInBar {
  name: string;
  file: string;
  /** 0 where it is not known. */
  line: number;
  kind: FrameKind;
  package: string;
  self: number;
  total: number;
  whole: number;
  unit: string;
}

interface Props extends FunctionInBar {
  /** Further buttons, before those that every view has. */
  children?: ComponentChildren;
}

/** What is selected, in words and figures, and where to go with it. */
export function FunctionBar(props: Props): JSX.Element {
  const { self, total, whole, unit, file, line } = props;
  const where = place(file, line);
  return (
    <section class="function-bar" aria-label="Selected function" aria-live="polite">
      <div class="function-names">
        <strong class="mono">{props.name}</strong>
        <span class="muted" title={where}>
          {shortFile(where)}
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
        {hasSource(props) && (
          <button type="button" class="button" onClick={() => showSource(file, line)}>
            Source
          </button>
        )}
        <button type="button" class="button" onClick={() => void copyText(props.name)}>
          Copy name
        </button>
      </div>
    </section>
  );
}

/** What the bar says of a node that is a frame. */
export function functionInBar(tree: Tree, node: number): FunctionInBar {
  const { frames, unit } = tree;
  const frame = tree.frame[node] as number;
  return {
    name: frames.name[frame] as string,
    file: frames.file[frame] as string,
    line: frames.line[frame] as number,
    kind: frames.kind[frame] as FrameKind,
    package: frames.package[frame] as string,
    self: tree.selfValues[node] as number,
    total: tree.totalValues[node] as number,
    whole: tree.totalValues[0] as number,
    unit,
  };
}

/** Whether lines of a frame can be shown: that of native code has a binary for its file, and a report has no lines. */
export function hasSource({ file, kind }: { file: string; kind: FrameKind }): boolean {
  return file !== '' && kind !== 'native' && kind !== 'group' && sourceAction() !== undefined;
}

function Goto({ tab, text }: { tab: 'flame' | 'sandwich'; text: string }): JSX.Element | null {
  if (view.value.tab === tab) return null;
  return (
    <button type="button" class="button" onClick={() => change({ tab })}>
      {text}
    </button>
  );
}
