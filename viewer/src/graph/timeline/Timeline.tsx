import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TimelineData } from '../../api/timeline.js';
import type { Theme } from '../color/palette.js';
import '../graph.css';
import { Tooltip } from '../Tooltip.js';
import { timeOfDay } from './axis.js';
import { sampleDetails, spokenSample } from './describe.js';
import { LaneNames } from './LaneNames.js';
import { inOrder } from './lane-order.js';
import { divide } from './lanes.js';
import { AXIS_HEIGHT, heightOf, placeLanes } from './place-lanes.js';
import { type Chosen, type TimelineModel, TimelineView } from './timeline-view.js';

export interface TimelineProps {
  data: TimelineData;
  theme: Theme;
  /** Chosen range of time, milliseconds since the epoch. */
  range?: readonly [number, number] | undefined;
  /** The reader has chosen a range, or let go of it. */
  onRange: (range: [number, number] | undefined) => void;
  /** The reader has chosen a sample or an event: indices into `data`, and the node of the frame that was pointed at. */
  onSelect?: ((chosen: { lane: number; sample: number; node: number } | undefined) => void) | undefined;
}

/**
 * Lanes of threads and events over time. It fills its container. A drag chooses a range, with shift it moves; the wheel zooms, with alt it scrolls.
 */
export function Timeline({ data, theme, range, onRange, onSelect }: TimelineProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const view = useRef<TimelineView | undefined>(undefined);
  const divided = useMemo(() => inOrder(divide(data)), [data]);
  // The stacks of one lane are higher than the screen: of several, all are seen first.
  const [open, setOpen] = useState<ReadonlySet<number>>(() => {
    const threads = divided.filter(({ events }) => !events);
    return new Set(threads.length === 1 ? threads.map(({ index }) => index) : []);
  });
  const lanes = useMemo(() => placeLanes(divided, open), [divided, open]);
  const [scrolled, setScrolled] = useState(0);
  const [hover, setHover] = useState<{ chosen: Chosen; at: { clientX: number; clientY: number } }>();
  const [selected, setSelected] = useState<Chosen>();
  const [from, to] = range ?? [];
  const model = useMemo<TimelineModel>(
    () => ({
      data,
      lanes,
      theme,
      scrolled,
      selected,
      range:
        from === undefined || to === undefined ? undefined : { start: from - data.from, end: to - data.from },
    }),
    [data, lanes, theme, scrolled, selected, from, to],
  );

  const select = (chosen: Chosen | undefined): void => {
    setSelected(chosen);
    onSelect?.(
      chosen && {
        lane: chosen.lane.samples.index,
        sample: chosen.lane.samples.sample[chosen.at] as number,
        node: chosen.node,
      },
    );
  };
  const chooseRange = ({ start, end }: { start: number; end: number }): void =>
    onRange([data.from + start, data.from + end]);
  const scroll = (by: number): boolean => {
    const before = scroller.current?.scrollTop;
    scroller.current?.scrollBy({ top: by });
    return scroller.current?.scrollTop !== before;
  };
  const events = useRef({ select, chooseRange });
  events.current = { select, chooseRange };

  useLayoutEffect(() => {
    if (!canvas.current) return undefined;
    const made = new TimelineView(canvas.current, model, {
      onHover: (chosen, point) => setHover(chosen && point && { chosen, at: point }),
      onSelect: (chosen) => events.current.select(chosen),
      onRange: (chosen) => events.current.chooseRange(chosen),
      onScroll: scroll,
    });
    view.current = made;
    return () => made.close();
  }, []);
  useLayoutEffect(() => view.current?.set(model), [model]);
  useEffect(() => {
    setHover(undefined);
    setSelected(undefined);
  }, [data]);

  const toggle = (index: number): void => {
    const next = new Set(open);
    if (!next.delete(index)) next.add(index);
    setOpen(next);
  };
  const step = (lanesBy: number, samplesBy: number): void => {
    const now = selected
      ? lanes.findIndex(({ samples }) => samples.index === selected.lane.samples.index)
      : 0;
    const lane = lanes[Math.min(lanes.length - 1, Math.max(0, selected ? now + lanesBy : 0))];
    if (!lane || !view.current) return;
    const from = selected && lanesBy === 0 ? selected.at + samplesBy : view.current.middle(lane);
    const at = Math.min(lane.samples.sample.length - 1, Math.max(0, from));
    select({ lane, at, node: data.node[lane.samples.sample[at] as number] as number });
  };
  const keyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { key } = event;
    if (key === 'ArrowLeft' || key === 'ArrowRight') step(0, key === 'ArrowRight' ? 1 : -1);
    else if (key === 'ArrowUp' || key === 'ArrowDown') step(key === 'ArrowDown' ? 1 : -1, 0);
    else if (key === '+' || key === '=' || key === '-') view.current?.zoom(key === '-' ? 0.5 : 2);
    else if (key === 'Enter' && model.range) view.current?.show(model.range);
    else if (key === 'Enter' && selected) toggle(selected.lane.samples.index);
    else if (key === 'Escape' && range) onRange(undefined);
    else if (key === 'Escape' || key === 'Backspace') view.current?.show();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      class="graph timeline"
      ref={scroller}
      onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
    >
      <div class="timeline-whole" style={{ height: `${AXIS_HEIGHT + heightOf(lanes)}px` }}>
        <LaneNames lanes={lanes} onToggle={toggle} />
        <div
          class="timeline-canvas"
          tabIndex={0}
          role="application"
          aria-roledescription="timeline"
          aria-label="Samples by time. Left and right move between samples, up and down between lanes, plus and minus zoom, Enter zooms to the chosen range or opens the lane, Escape zooms out."
          onKeyDown={keyDown}
        >
          <canvas ref={canvas} class="graph-canvas" />
        </div>
      </div>
      <div class="graph-spoken" aria-live="polite">
        {selected
          ? spokenSample(data, selected)
          : range
            ? `Range from ${timeOfDay(0, range[0])} to ${timeOfDay(0, range[1])}`
            : ''}
      </div>
      {hover && (
        <Tooltip at={hover.at}>
          <SampleDetails data={data} chosen={hover.chosen} />
        </Tooltip>
      )}
    </div>
  );
}

function SampleDetails({ data, chosen }: { data: TimelineData; chosen: Chosen }) {
  const { name, place, lines } = sampleDetails(data, chosen);
  return (
    <>
      <div class="graph-tooltip-name">{name}</div>
      {place && <div class="graph-tooltip-place">{place}</div>}
      <table>
        <tbody>
          {lines.map((line) => (
            <tr key={line.name}>
              <th>{line.name}</th>
              <td class="graph-tooltip-text">{line.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
