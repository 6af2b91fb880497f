import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef } from 'preact/hooks';
import type { Tree } from '../api/tree.js';
import { place } from '../format/names.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { nameOf, runAt } from '../graph/index.js';
import { ShareBar } from '../parts/share-bar.js';
import { useVirtual } from '../parts/use-virtual.js';
import { change, view } from '../state/page.js';
import { childrenOf } from '../tree/children.js';
import { nodesAbove, rowsOf, type TreeRow } from '../tree/expanded.js';
import { shownTree } from '../tree/folded.js';
import { heaviestNode, nodeOf, pathKeys, printKey } from '../tree/path-keys.js';
import { FoldSwitch, openRun } from './fold-switch.js';
import { FrameSizes } from './frame-sizes.js';
import { FunctionBar, functionInBar } from './function-bar.js';
import { RunBar } from './run-bar.js';
import { TreeAnswer } from './tree-answer.js';
import { useOpenNodes } from './use-open-nodes.js';

const ROW_PIXELS = 24;
const INDENT_PIXELS = 14;

/** The merged stacks as a tree grid: what the graph shows, for keys and screen readers. */
export function CallTreeView(): JSX.Element {
  return <TreeAnswer>{(tree) => <CallTree whole={tree} />}</TreeAnswer>;
}

function CallTree({ whole }: { whole: Tree }): JSX.Element {
  const { selected, of, fold, opened } = view.value;
  const shown = useMemo(() => shownTree(whole, fold, opened), [whole, fold, opened]);
  const { tree } = shown;
  const keys = useMemo(() => pathKeys(tree), [tree]);
  const children = useMemo(() => childrenOf(tree), [tree]);
  const { isOpen, turn } = useOpenNodes(whole, shown, children);
  const active =
    selected === undefined && of
      ? shown.became[heaviestNode(whole, of.name, of.file) ?? 0]
      : nodeOf(keys, selected);
  const openRow = (node: number) => openRun(shown, node);
  const rows = useMemo(() => rowsOf(children, isOpen), [children, isOpen]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(scroller, rows.length, ROW_PIXELS);
  const at = rows.findIndex(({ node }) => node === active);

  useEffect(() => {
    const closed = active ? nodesAbove(tree, active).filter((node) => !isOpen(node)) : [];
    if (closed.length > 0) turn(closed, true);
  }, [active, tree]);
  useEffect(() => {
    if (at >= 0) virtual.show(at);
  }, [at]);

  const select = (node: number) => {
    const frame = tree.frame[node] as number;
    const key = { name: tree.frames.name[frame] as string, file: tree.frames.file[frame] as string };
    const of = runAt(tree, node) ? undefined : key;
    change({ selected: printKey(keys[node] as number), of }, view.value.selected ? 'replace' : 'push');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    const isRun = row && runAt(tree, row.node) !== undefined;
    if (event.key === 'Enter' && row && !isRun) change({ tab: 'sandwich' });
    const next = { ArrowDown: at + 1, ArrowUp: Math.max(0, at - 1), Home: 0, End: rows.length - 1 }[
      event.key
    ];
    if (next !== undefined) {
      const target = rows[Math.min(next, rows.length - 1)];
      if (target) select(target.node);
    } else if (!row) return;
    else if (event.key === 'ArrowRight') {
      if (row.hasChildren && !row.isOpen) turn([row.node], true);
      else if (row.isOpen) select((rows[at + 1] as TreeRow).node);
    } else if (event.key === 'ArrowLeft') {
      const parent = tree.parent[row.node] as number;
      if (row.isOpen) turn([row.node], false);
      else if (parent !== 0) select(parent);
    } else if (event.key === '*') {
      const siblings = rows.filter(({ node }) => tree.parent[node] === tree.parent[row.node]);
      turn(
        siblings.map(({ node }) => node),
        true,
      );
    } else if (isRun && (event.key === 'o' || event.key === 'Enter')) openRow(row.node);
    else return;
    event.preventDefault();
  };
  const id = useId();
  const isShown = virtual.items.some(({ index }) => index === at);
  return (
    <>
      <div class="toolbar">
        <FrameSizes />
        <FoldSwitch />
        <button type="button" class="button" onClick={() => turn([...tree.parent.keys()], true)}>
          Open all
        </button>
        <button type="button" class="button" onClick={() => turn([...tree.parent.keys()], false)}>
          Close all
        </button>
        <span class="muted">{whole.parent.length - 1} nodes</span>
      </div>
      <div
        class="table call-tree"
        ref={scroller}
        role="treegrid"
        tabIndex={0}
        aria-label="Call tree"
        aria-rowcount={rows.length + 1}
        aria-activedescendant={isShown ? `${id}${at}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div role="row" class="table-head" aria-rowindex={1}>
          <span role="columnheader" class="figure">
            Total
          </span>
          <span role="columnheader" class="figure">
            Self
          </span>
          <span role="columnheader">Function</span>
        </div>
        <div class="table-rows" role="rowgroup" style={{ height: `${virtual.height}px` }}>
          {virtual.items.map(({ index, top }) => (
            <Row
              key={index}
              id={`${id}${index}`}
              row={rows[index] as TreeRow}
              index={index}
              top={top}
              tree={tree}
              isActive={index === at}
              onSelect={select}
              onTurn={turn}
            />
          ))}
        </div>
      </div>
      {active && runAt(tree, active) ? (
        <RunBar tree={tree} node={active} onOpen={() => openRow(active)} />
      ) : active ? (
        <FunctionBar {...functionInBar(tree, active)} />
      ) : null}
    </>
  );
}

interface RowProps {
  id: string;
  row: TreeRow;
  index: number;
  top: number;
  tree: Tree;
  isActive: boolean;
  onSelect(node: number): void;
  onTurn(nodes: readonly number[], isOpen: boolean): void;
}

function Row({ id, row, index, top, tree, isActive, onSelect, onTurn }: RowProps): JSX.Element {
  const { node, level, hasChildren, isOpen } = row;
  const frame = tree.frame[node] as number;
  const name = nameOf(tree, node);
  const isRun = runAt(tree, node) !== undefined;
  const total = tree.totalValues[node] as number;
  const self = tree.selfValues[node] as number;
  const whole = tree.totalValues[0] as number;
  return (
    <div
      id={id}
      role="row"
      class="table-row"
      aria-rowindex={index + 2}
      aria-level={level}
      aria-posinset={row.place}
      aria-setsize={row.of}
      aria-expanded={hasChildren ? isOpen : undefined}
      aria-selected={isActive}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(node)}
      onDblClick={() => onTurn([node], !isOpen)}
    >
      <span role="gridcell" class="figure" title={formatExact(total, tree.unit)}>
        <ShareBar part={total} whole={whole} />
        {formatValue(total, tree.unit)} <span class="muted share">{formatShare(total, whole)}</span>
      </span>
      <span role="gridcell" class="figure" title={formatExact(self, tree.unit)}>
        {formatValue(self, tree.unit)} <span class="muted share">{formatShare(self, whole)}</span>
      </span>
      <span role="gridcell" class="mono name" style={{ paddingLeft: `${(level - 1) * INDENT_PIXELS}px` }}>
        {hasChildren ? (
          <button
            type="button"
            class="turn"
            tabIndex={-1}
            aria-label={isOpen ? `Close ${name}` : `Open ${name}`}
            onClick={(event) => {
              event.stopPropagation();
              onTurn([node], !isOpen);
            }}
          >
            {isOpen ? '▾' : '▸'}
          </button>
        ) : (
          <span class="turn" />
        )}
        <span class={`kind kind-${tree.frames.kind[frame]}`} />
        {name}
        {!isRun && (
          <span class="muted place">
            {place(tree.frames.file[frame] as string, tree.frames.line[frame] as number)}
          </span>
        )}
      </span>
    </div>
  );
}
