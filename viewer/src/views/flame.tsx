import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Table } from '../api/answers.js';
import type { Tree } from '../api/tree.js';
import { formatDuration } from '../format/time.js';
import { formatShare } from '../format/value.js';
import {
  applyTransforms,
  FlameGraph,
  matchedTotal,
  matchFrames,
  runAt,
  type Transform,
} from '../graph/index.js';
import { SearchField } from '../parts/search-field.js';
import { Segments } from '../parts/segments.js';
import { Answer } from '../parts/status.js';
import { change, view } from '../state/page.js';
import { sourceAction } from '../state/source.js';
import { theme } from '../state/theme.js';
import { useTable } from '../state/use-selected.js';
import type { FunctionKey } from '../state/view.js';
import { type Shown, shownTree } from '../tree/folded.js';
import { heaviestNode, nodeOf, pathKeys, printKey } from '../tree/path-keys.js';
import { FoldSwitch, openRun } from './fold-switch.js';
import { FrameSizes } from './frame-sizes.js';
import { FunctionBar, functionInBar } from './function-bar.js';
import { FunctionTable } from './function-table.js';
import { KindLegend } from './kind-legend.js';
import { RunBar } from './run-bar.js';
import { TransformChips } from './transform-chips.js';
import { TreeAnswer } from './tree-answer.js';

/** The merged stacks as a graph, with the table of functions beside it on demand. */
export function FlameView(): JSX.Element {
  return <TreeAnswer>{(tree) => <Graph whole={tree} />}</TreeAnswer>;
}

function Graph({ whole }: { whole: Tree }): JSX.Element {
  const { shape, colour, search, transforms, fold, opened, zoom, selected, of, beside } = view.value;
  const changed = useMemo(() => applyTransforms(whole, [...transforms]), [whole, transforms]);
  const shown = useMemo(() => shownTree(changed.tree, fold, opened), [changed, fold, opened]);
  const { tree } = shown;
  const keys = useMemo(() => pathKeys(tree), [tree]);
  const matched = useMemo(
    () => (search === '' ? undefined : matchFrames(tree.frames, search)),
    [tree, search],
  );
  // In a run only a part may match.
  const found = useMemo(
    () => (search === '' ? 0 : matchedTotal(changed.tree, matchFrames(changed.tree.frames, search)).total),
    [changed, search],
  );
  const zoomed = nodeOf(keys, zoom);
  const chosen =
    selected === undefined && of ? heaviestShown(shown, changed.tree, of) : nodeOf(keys, selected);
  const run = chosen ? runAt(tree, chosen) : undefined;
  const frame = chosen ? (tree.frame[chosen] as number) : undefined;
  const keyOf = (node: number) => (node > 0 ? printKey(keys[node] as number) : undefined);
  const transform = (added: Transform) =>
    change({ transforms: [...transforms, added], zoom: undefined, selected: undefined, of: undefined });
  const select = (node: number) =>
    change(
      { selected: keyOf(node), of: node > 0 && !runAt(tree, node) ? functionAt(tree, node) : undefined },
      view.value.selected ? 'replace' : 'push',
    );
  return (
    <>
      <div class="toolbar">
        <Segments
          label="Direction"
          value={shape}
          options={[
            { value: 'icicle', text: 'Icicle', title: 'Root at the top' },
            { value: 'flame', text: 'Flame', title: 'Root at the bottom' },
          ]}
          onChange={(chosenShape) => change({ shape: chosenShape })}
        />
        <Segments
          label="Colour"
          value={colour}
          options={[
            { value: 'kind', text: 'By kind' },
            { value: 'package', text: 'By package' },
          ]}
          onChange={(chosenColour) => change({ colour: chosenColour })}
        />
        <FrameSizes />
        <SearchField placeholder="Search name, file, package" />
        {matched && (
          <output class="matched" data-matched>
            {formatShare(found, tree.totalValues[0] as number)} matched
          </output>
        )}
        <FoldSwitch />
        <TransformChips tree={tree} taken={changed.taken} />
        <span class="spring" />
        {zoomed !== 0 && (
          <button type="button" class="button" onClick={() => change({ zoom: undefined })}>
            Reset zoom
          </button>
        )}
        <button
          type="button"
          class="button"
          aria-pressed={beside}
          title="Table of functions beside the graph"
          onClick={() => change({ beside: !beside })}
        >
          Table
        </button>
      </div>
      <div class="beside">
        {beside && <Beside />}
        <FlameGraph
          tree={tree}
          orientation={shape}
          colors={colour}
          theme={theme.value}
          matched={matched}
          zoomed={zoomed}
          onZoom={(node) => change({ zoom: keyOf(node) })}
          selected={chosen || -1}
          onSelect={select}
          onTransform={transform}
          onSandwich={(key) => change({ tab: 'sandwich', of: key })}
          onSource={sourceAction()}
          onOpen={(node) => openRun(shown, node)}
          hasPath={(node) => !shown.isBelowOpened(node)}
          isFolded={fold}
          label={`Merged stacks, ${tree.parent.length - 1} nodes. The call tree shows the same as a table`}
        />
      </div>
      {chosen && run ? (
        <RunBar tree={tree} node={chosen} onOpen={() => openRun(shown, chosen)} />
      ) : chosen && frame !== undefined ? (
        <FunctionBar {...functionInBar(tree, chosen)}>
          <button
            type="button"
            class="button"
            onClick={() => transform({ kind: 'focus', ...functionAt(tree, chosen) })}
          >
            Only this
          </button>
          <button
            type="button"
            class="button"
            onClick={() => transform({ kind: 'hide', ...functionAt(tree, chosen) })}
          >
            Hide
          </button>
        </FunctionBar>
      ) : (
        <p class="foot muted">
          {colour === 'kind' && <KindLegend />}
          {changed.tree.parent.length - 1} nodes
          {/* Collapsed stacks tell of no time. */}
          {tree.seconds > 0 && ` from ${formatDuration(tree.seconds * 1000)} of profiles`}
          {tree.omitted > 0 &&
            `; ${tree.omitted} small nodes are left out, their values are in the nodes above`}
        </p>
      )}
    </>
  );
}

function Beside(): JSX.Element {
  const answered = useTable('function');
  return (
    <div class="beside-table">
      <Answer answered={answered} isEmpty={({ rows }: Table) => rows.length === 0}>
        {(table) => <FunctionTable table={table} isNarrow />}
      </Answer>
    </div>
  );
}

/** The node of a function that counts the most, or the run that this node is a part of. */
function heaviestShown(shown: Shown, source: Tree, of: FunctionKey): number | undefined {
  const node = heaviestNode(source, of.name, of.file);
  return node === undefined ? undefined : shown.became[node];
}

function functionAt(tree: Tree, node: number): { name: string; file: string } {
  const frame = tree.frame[node] as number;
  return { name: tree.frames.name[frame] as string, file: tree.frames.file[frame] as string };
}
