import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Tree } from '../../api/tree.js';
import { formatShare, formatValue } from '../../format/value.js';
import { type ColorScheme, coloring } from '../color/coloring.js';
import type { Theme } from '../color/palette.js';
import { detailsOf, nameOf, spoken } from '../details.js';
import { matchesBefore } from '../draw/matches.js';
import '../graph.css';
import { directionOf, neighbour } from '../keyboard.js';
import { GAP, type Layout, layOut } from '../layout.js';
import { leftOutBelow } from '../left-out.js';
import { Menu } from '../menu/Menu.js';
import { NodeDetails, Tooltip } from '../Tooltip.js';
import { runAt } from '../transforms/fold.js';
import { type FlameModel, FlameView } from './flame-view.js';
import { type MenuActions, menuItems } from './menu-items.js';

export interface FlameGraphProps extends MenuActions {
  tree: Tree;
  /** `flame`: the root is at the bottom. `icicle`: on top. */
  orientation: 'flame' | 'icicle';
  colors: ColorScheme;
  theme: Theme;
  /** Name of the graph for screen readers. */
  label: string;
  /** 1 for each frame that a search has found (`matchFrames`); the others are dimmed. Absent without a search. */
  matched?: Uint8Array | undefined;
  /** Node that is as wide as the graph; 0 shows all. */
  zoomed: number;
  /** Node with a ring; -1: none. */
  selected: number;
  onSelect: (node: number) => void;
}

interface Hover {
  node: number;
  at: { clientX: number; clientY: number };
}

/** A flame graph or an icicle. It fills its container; a click selects and zooms, the wheel zooms, keys and the menu do all that the pointer does. */
export function FlameGraph(given: FlameGraphProps) {
  const props = withinTree(given);
  const { tree, orientation, label, zoomed, selected, onZoom, onSelect } = props;
  const graph = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<FlameView | undefined>(undefined);
  const [hover, setHover] = useState<Hover>();
  const [menu, setMenu] = useState<Hover>();
  const layout = useMemo(() => layOut(tree), [tree]);
  const model = useModel(props, layout);

  const click = (node: number): void => {
    onSelect(node);
    onZoom(node);
  };
  const openMenu = (node: number, at: { clientX: number; clientY: number }): void => {
    onSelect(node);
    setHover(undefined);
    setMenu({ node, at });
  };
  // The view lives as long as the canvas; what it calls is of the newest rendering.
  const events = useRef({ click, openMenu });
  events.current = { click, openMenu };

  useLayoutEffect(() => {
    if (!canvas.current) return undefined;
    const made = new FlameView(canvas.current, model, {
      onHover: (node, point) => setHover(node === undefined || !point ? undefined : { node, at: point }),
      onClick: (node) => events.current.click(node),
      onMenu: (node, at) => events.current.openMenu(node, at),
    });
    view.current = made;
    return () => made.close();
  }, []);
  useLayoutEffect(() => view.current?.set(model), [model]);
  useEffect(() => {
    setHover(undefined);
    setMenu(undefined);
  }, [tree]);

  const keyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Math.max(0, selected);
    const direction = directionOf(event.key, orientation === 'flame');
    if (direction) onSelect(selected < 0 ? first() : neighbour(tree, layout, at, direction));
    else if (event.key === 'Enter') onZoom(at);
    else if (event.key === 'o' && props.onOpen && runAt(tree, at)) props.onOpen(at);
    else if (event.key === 'Escape' || event.key === 'Backspace') zoomOut(event.key === 'Escape');
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      const place = view.current?.placeOf(at);
      if (place) openMenu(at, place);
    } else if (event.key === 'PageDown' || event.key === 'PageUp') {
      view.current?.scroll(event.key === 'PageDown' ? 0.8 : -0.8);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  /** Where the arrows begin. The root stands for none. */
  const first = (): number => zoomed || neighbour(tree, layout, 0, 'inward');
  const zoomOut = (all: boolean): void => {
    if (view.current?.moved) view.current.resetZoom();
    else onZoom(all ? 0 : (tree.parent[zoomed] as number));
  };
  const closeMenu = (): void => {
    setMenu(undefined);
    graph.current?.focus();
  };

  return (
    <div class="graph">
      <div
        ref={graph}
        class="graph-focus"
        tabIndex={0}
        role="application"
        aria-roledescription={orientation === 'flame' ? 'flame graph' : 'icicle graph'}
        aria-label={`${label}. Arrows move between frames, Enter zooms, Escape zooms out, Shift and F10 open the menu.`}
        onKeyDown={keyDown}
      >
        <canvas ref={canvas} class="graph-canvas" />
      </div>
      <div class="graph-spoken" aria-live="polite">
        {selected >= 0 ? spoken(tree, selected) : ''}
      </div>
      {hover && !menu && (
        <Tooltip at={hover.at}>
          {hover.node >= GAP ? (
            <GapDetails tree={tree} node={hover.node - GAP} />
          ) : (
            <NodeDetails {...detailsOf(tree, hover.node)} />
          )}
        </Tooltip>
      )}
      {menu && (
        <Menu
          label={nameOf(tree, menu.node)}
          items={menuItems(tree, menu.node, props)}
          at={menu.at}
          onClose={closeMenu}
        />
      )}
    </div>
  );
}

/** A live tree may have fewer nodes than the one in which the reader chose. */
function withinTree(props: FlameGraphProps): FlameGraphProps {
  const { length } = props.tree.parent;
  return {
    ...props,
    zoomed: props.zoomed < length ? props.zoomed : 0,
    selected: props.selected < length ? props.selected : -1,
  };
}

function useModel(props: FlameGraphProps, layout: Layout): FlameModel {
  const { tree, orientation, colors, theme, matched, zoomed, selected } = props;
  const colored = useMemo(() => coloring(tree, colors, theme), [tree, colors, theme]);
  const before = useMemo(() => matched && matchesBefore(layout, tree.frame, matched), [layout, matched]);
  return useMemo(
    () => ({
      tree,
      layout,
      coloring: colored,
      theme,
      upward: orientation === 'flame',
      zoomed,
      selected,
      ...(before && { matchesBefore: before }),
    }),
    [layout, colored, before, orientation, zoomed, selected],
  );
}

function GapDetails({ tree, node }: { tree: Tree; node: number }) {
  const value = leftOutBelow(tree, node);
  return (
    <>
      <div class="graph-tooltip-name">not shown</div>
      <div class="graph-tooltip-place">
        Small frames below {nameOf(tree, node)} that the answer left out: {formatValue(value, tree.unit)},{' '}
        {formatShare(value, tree.totalValues[0] as number)} of all
      </div>
    </>
  );
}
