import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Table } from '../api/answers.js';
import type { Tree } from '../api/tree.js';
import { place } from '../format/names.js';
import { formatDuration } from '../format/time.js';
import { formatShare } from '../format/value.js';
import { applyTransforms, FlameGraph, matchedTotal, matchFrames, type Transform } from '../graph/index.js';
import { SearchField } from '../parts/search-field.js';
import { Segments } from '../parts/segments.js';
import { Answer } from '../parts/status.js';
import { change, view } from '../state/page.js';
import { theme } from '../state/theme.js';
import { useTable, useTree } from '../state/use-selected.js';
import { heaviestNode, nodeOf, pathKeys, printKey } from '../tree/path-keys.js';
import { FrameSizes } from './frame-sizes.js';
import { FunctionBar } from './function-bar.js';
import { FunctionTable } from './function-table.js';
import { KindLegend } from './kind-legend.js';
import { TransformChips } from './transform-chips.js';

/** The merged stacks as a graph, with the table of functions beside it on demand. */
export function FlameView(): JSX.Element {
  const answered = useTree();
  return (
    <Answer answered={answered} isEmpty={({ totalValues }) => totalValues[0] === 0}>
      {(tree) => <Graph whole={tree} />}
    </Answer>
  );
}

function Graph({ whole }: { whole: Tree }): JSX.Element {
  const { shape, colour, search, transforms, zoom, selected, of, beside } = view.value;
  const { tree, taken } = useMemo(() => applyTransforms(whole, [...transforms]), [whole, transforms]);
  const keys = useMemo(() => pathKeys(tree), [tree]);
  const matched = useMemo(
    () => (search === '' ? undefined : matchFrames(tree.frames, search)),
    [tree, search],
  );
  const zoomed = nodeOf(keys, zoom);
  const chosen = selected === undefined && of ? heaviestNode(tree, of.name, of.file) : nodeOf(keys, selected);
  const frame = chosen ? (tree.frame[chosen] as number) : undefined;
  const keyOf = (node: number) => (node > 0 ? printKey(keys[node] as number) : undefined);
  const transform = (added: Transform) =>
    change({ transforms: [...transforms, added], zoom: undefined, selected: undefined, of: undefined });
  const select = (node: number) =>
    change(
      { selected: keyOf(node), of: node > 0 ? functionAt(tree, node) : undefined },
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
            {formatShare(matchedTotal(tree, matched).total, tree.totalValues[0] as number)} matched
          </output>
        )}
        <TransformChips tree={tree} taken={taken} />
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
          label={`Merged stacks, ${tree.parent.length - 1} nodes. The call tree shows the same as a table.`}
        />
      </div>
      {chosen && frame !== undefined ? (
        <FunctionBar
          name={tree.frames.name[frame] as string}
          where={place(tree.frames.file[frame] as string, tree.frames.line[frame] as number)}
          package={tree.frames.package[frame] as string}
          self={tree.selfValues[chosen] as number}
          total={tree.totalValues[chosen] as number}
          whole={tree.totalValues[0] as number}
          unit={tree.unit}
        >
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
          {tree.parent.length - 1} nodes from {formatDuration(tree.seconds * 1000)} of profiles
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

function functionAt(tree: Tree, node: number): { name: string; file: string } {
  const frame = tree.frame[node] as number;
  return { name: tree.frames.name[frame] as string, file: tree.frames.file[frame] as string };
}
