import type { JSX } from 'preact';
import { askBytes } from '../api/client.js';
import { decodeTree } from '../api/decode-tree.js';
import type { Tree } from '../api/tree.js';
import { formatExact, formatValue } from '../format/value.js';
import { Answer, Notice } from '../parts/status.js';
import { type Condition, printCondition, withCondition } from '../state/conditions.js';
import { change, view } from '../state/page.js';
import { useSelected } from '../state/use-selected.js';
import { FoldSwitch } from './fold-switch.js';
import { GraphPanel } from './graph-panel.js';

const askTree = async (question: string, signal: AbortSignal) => decodeTree(await askBytes(question, signal));

interface Props {
  /** What the row is called. */
  name: string;
  type: string;
  /** What the samples of the row have. */
  conditions: readonly Condition[];
}

/** The stacks of one row of a table by labels. */
export function RowStacks({ name, type, conditions }: Props): JSX.Element {
  const added = conditions.map(printCondition);
  const answered = useSelected('tree', {}, askTree, (shown) => ({
    ...shown,
    type,
    where: added.reduce<readonly string[]>(withCondition, shown.where),
  }));
  const open = () =>
    change({
      tab: 'flame',
      type,
      where: added.reduce<readonly string[]>(withCondition, view.value.where),
      zoom: undefined,
      selected: undefined,
      of: undefined,
    });
  return (
    <div class="sandwich">
      <Answer answered={answered} isEmpty={() => false}>
        {(tree: Tree) =>
          tree.totalValues[0] === 0 ? (
            <Notice title={`${name} has no samples in this range`}>
              <p>Choose another row on the left, or a longer range.</p>
            </Notice>
          ) : (
            <>
              <h2 class="sandwich-name">
                <span class="mono clip">{name}</span>
                <button type="button" class="button" onClick={open}>
                  Open in the flame graph
                </button>
                <FoldSwitch hasOpened={false} />
                <span class="sandwich-total" data-row-total title={formatExact(tree.total, tree.unit)}>
                  {formatValue(tree.total, tree.unit)}
                </span>
              </h2>
              <GraphPanel title="Stacks" tree={tree} orientation={view.value.shape} />
            </>
          )
        }
      </Answer>
    </div>
  );
}
