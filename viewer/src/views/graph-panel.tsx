import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Tree } from '../api/tree.js';
import { FlameGraph } from '../graph/index.js';
import { change, view } from '../state/page.js';
import { sourceAction } from '../state/source.js';
import { theme } from '../state/theme.js';
import { shownTree } from '../tree/folded.js';

interface Props {
  title: string;
  tree: Tree;
  orientation: 'flame' | 'icicle';
  /** As in `foldRuns`. */
  keepsFirst?: boolean;
}

/** A graph beside others, whose zoom and choice are not in the address. */
export function GraphPanel({ title, tree: whole, orientation, keepsFirst = false }: Props): JSX.Element {
  const { fold, colour } = view.value;
  const [opened, setOpened] = useState<readonly string[]>([]);
  const shown = useMemo(() => shownTree(whole, fold, opened, keepsFirst), [whole, fold, opened, keepsFirst]);
  const { tree } = shown;
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
        colors={colour}
        theme={theme.value}
        zoomed={inTree(zoomed, 0)}
        onZoom={setZoomed}
        selected={inTree(selected, -1)}
        onSelect={setSelected}
        onSandwich={(key) => change({ tab: 'sandwich', of: key, selected: undefined })}
        onSource={sourceAction()}
        onOpen={(node) => setOpened([...opened, shown.keyOf(node) as string])}
        label={`${title}, ${tree.parent.length - 1} nodes`}
      />
    </section>
  );
}
