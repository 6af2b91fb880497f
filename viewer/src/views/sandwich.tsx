import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { askBytes } from '../api/client.js';
import { decodeSandwich } from '../api/decode-tree.js';
import type { Tree } from '../api/tree.js';
import { formatShare, formatValue } from '../format/value.js';
import { FlameGraph } from '../graph/index.js';
import { SearchField } from '../parts/search-field.js';
import { Answer, Notice } from '../parts/status.js';
import { change, view } from '../state/page.js';
import { theme } from '../state/theme.js';
import { useSelected, useTable } from '../state/use-selected.js';
import type { FunctionKey } from '../state/view.js';
import { FunctionTable } from './function-table.js';

const askSandwich = async (question: string, signal: AbortSignal) =>
  decodeSandwich(await askBytes(question, signal));

/** One function, with who calls it above and what it calls below. */
export function SandwichView(): JSX.Element {
  const answered = useTable('function');
  const { of } = view.value;
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) => (
        <div class="beside">
          <div class="beside-table">
            <div class="toolbar">
              <SearchField placeholder="Filter by name, file or package" />
            </div>
            <FunctionTable table={table} isNarrow />
          </div>
          {of ? (
            <Sandwich of={of} whole={table.total} />
          ) : (
            <Notice title="Choose a function">
              <p>Its callers are shown above it, and what it calls below.</p>
            </Notice>
          )}
        </div>
      )}
    </Answer>
  );
}

function Sandwich({ of, whole }: { of: FunctionKey; whole: number }): JSX.Element {
  const answered = useSelected('sandwich', { name: of.name, file: of.file }, askSandwich);
  return (
    <div class="sandwich">
      <Answer answered={answered} isEmpty={() => false}>
        {({ callers, callees }) =>
          callees.totalValues[0] === 0 ? (
            <Notice title={`${of.name} is in no sample of this range`}>
              <p>Choose another function on the left, or a longer range.</p>
            </Notice>
          ) : (
            <>
              <Half title="Callers" tree={callers} orientation="flame" />
              <h2 class="sandwich-name">
                <span class="mono">{of.name}</span> <span class="muted">{of.file}</span>
                <span class="sandwich-total" data-sandwich-total>
                  {formatValue(callees.totalValues[0] as number, callees.unit)}{' '}
                  <span class="muted">{formatShare(callees.totalValues[0] as number, whole)}</span>
                </span>
              </h2>
              <Half title="Callees" tree={callees} orientation="icicle" />
            </>
          )
        }
      </Answer>
    </div>
  );
}

interface HalfProps {
  title: string;
  tree: Tree;
  orientation: 'flame' | 'icicle';
}

function Half({ title, tree, orientation }: HalfProps): JSX.Element {
  const [zoomed, setZoomed] = useState(0);
  const [selected, setSelected] = useState(-1);
  // Of the tree before, a node may be none of this.
  const inTree = (node: number, otherwise: number) => (node < tree.parent.length ? node : otherwise);
  return (
    <section class="half" aria-label={title}>
      <h2 class="muted">{title}</h2>
      <FlameGraph
        tree={tree}
        orientation={orientation}
        colors={view.value.colour}
        theme={theme.value}
        zoomed={inTree(zoomed, 0)}
        onZoom={setZoomed}
        selected={inTree(selected, -1)}
        onSelect={setSelected}
        onSandwich={(key) => change({ of: key, selected: undefined })}
        label={`${title}, ${tree.parent.length - 1} nodes`}
      />
    </section>
  );
}
