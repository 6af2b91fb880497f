import type { JSX } from 'preact';
import { askBytes } from '../api/client.js';
import { decodeSandwich } from '../api/decode-tree.js';
import type { Tree } from '../api/tree.js';
import { formatShare, formatValue } from '../format/value.js';
import { SearchField } from '../parts/search-field.js';
import { Answer, Notice } from '../parts/status.js';
import { view } from '../state/page.js';
import { showSource } from '../state/source.js';
import { useSelected, useTable } from '../state/use-selected.js';
import type { FunctionKey } from '../state/view.js';
import { FoldSwitch } from './fold-switch.js';
import { functionInBar, hasSource } from './function-bar.js';
import { FunctionTable } from './function-table.js';
import { GraphPanel } from './graph-panel.js';

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
              <GraphPanel title="Callers" tree={callers} orientation="flame" keepsFirst />
              <h2 class="sandwich-name">
                <span class="mono">{of.name}</span> <span class="muted">{of.file}</span>
                <Actions tree={callees} />
                <span class="sandwich-total" data-sandwich-total>
                  {formatValue(callees.totalValues[0] as number, callees.unit)}{' '}
                  <span class="muted">{formatShare(callees.totalValues[0] as number, whole)}</span>
                </span>
              </h2>
              <GraphPanel title="Callees" tree={callees} orientation="icicle" keepsFirst />
            </>
          )
        }
      </Answer>
    </div>
  );
}

/** What can be done with the function in the middle, which is the first below the root. */
function Actions({ tree }: { tree: Tree }): JSX.Element {
  const middle = functionInBar(tree, 1);
  return (
    <>
      {hasSource(middle) && (
        <button type="button" class="button" onClick={() => showSource(middle.file, middle.line)}>
          Source
        </button>
      )}
      <FoldSwitch hasOpened={false} />
    </>
  );
}
