import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { formatInstant, formatRange } from '../format/time.js';
import { Icon } from '../parts/icons.js';
import { change, shownWindow, view } from '../state/page.js';
import { report } from '../state/report.js';
import { theme } from '../state/theme.js';
import { drawBrush, drawPoints, makePlot, stripHeight } from './plot.js';
import { withStepEnds } from './step-ends.js';
import { brushByKey, stepFor } from './steps.js';

/** One line of a strip. */
export interface StripLine {
  /** What tells it from the other of the strip; empty where it is alone. */
  name: string;
  /** One for each step; null where nothing is known. */
  values: (number | null)[];
}

/** What a strip shows. */
export interface StripData {
  title: string;
  /** Beginning of the first step, milliseconds since the epoch, and how long one is. */
  from: number;
  step: number;
  lines: StripLine[];
  /** What stands behind a figure. */
  unit: string;
  /** What the figures are of, where the pointer shows none. */
  of?: string;
  /** Whether figures are bytes: then the axis is divided by powers of two. */
  isBytes?: boolean;
  format(value: number): string;
  /** What else is said of a step. */
  note?(index: number): string;
  error?: Error | undefined;
}

interface Props extends StripData {
  isLast: boolean;
  isLow: boolean;
  onRemove: (() => void) | undefined;
}

/** Figures over the window of time, with the brush. */
export function Strip(props: Props): JSX.Element {
  const { title, from, step, lines, unit, of, isBytes = false, format, note, error } = props;
  const { isLast, isLow, onRemove } = props;
  const { brush } = view.value;
  const span = shownWindow.value;
  const [hovered, setHovered] = useState<number>();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  // Of other ranges a report has nothing.
  const isFixed = report.value !== undefined;
  const onBrush = (brushed: { from: number; to: number } | undefined) => change({ brush: brushed });
  const shape = { lines: lines.length, isLast, isLow, isBytes };
  // The plot is made once, and the figures that it writes change their form with what is drawn.
  const formatNow = useRef(format);
  formatNow.current = format;

  /** The step that each drawn point is of. */
  const origin = useRef<number[]>([]);

  useLayoutEffect(() => {
    const element = host.current as HTMLElement;
    const made = makePlot(element, element.clientWidth, shape, (value) => formatNow.current(value), {
      hover: (index) => setHovered(index === undefined ? undefined : origin.current[index]),
      brush: isFixed ? undefined : onBrush,
    });
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: stripHeight(shape) });
      drawBrush(made, view.peek().brush);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [lines.length, isLast, isLow]);
  useEffect(() => {
    const steps = Math.max(0, ...lines.map(({ values }) => values.length));
    const times = Array.from({ length: steps }, (_, index) => from + index * step);
    const drawn = withStepEnds({ times, lines: lines.map(({ values }) => values) }, step);
    origin.current = drawn.origin;
    if (plot.current) drawPoints(plot.current, drawn, span);
  }, [lines, span.from, span.to, isLast]);
  useEffect(() => {
    if (plot.current) drawBrush(plot.current, brush);
  }, [brush, lines, span.from, span.to, isLast]);
  useEffect(() => plot.current?.redraw(false, true), [theme.value]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && brush) {
      change({ brush: undefined });
      event.stopPropagation();
      return;
    }
    const moved = brushByKey(event.key, event.shiftKey, brush, span, stepFor(span));
    if (!moved) return;
    event.preventDefault();
    change({ brush: moved }, brush ? 'replace' : 'push');
  };
  const told = hovered === undefined ? [] : lines.filter(({ values }) => values[hovered] != null);
  const figures = told.map(({ name, values }) =>
    [name, format(values[hovered as number] as number)].filter((word) => word !== '').join(' '),
  );
  const isTold = figures.length > 0;
  const more = isTold ? note?.(hovered as number) : undefined;
  const text = isTold || of === undefined ? [figures.join(', '), unit, more].filter(Boolean).join(' ') : of;
  return (
    <div class={isLow ? 'strip low' : 'strip'}>
      <div class="strip-name">
        <strong>{title}</strong>
        {onRemove && (
          <button
            type="button"
            class="remove"
            aria-label={`Remove the strip of ${title}`}
            title={`Remove the strip of ${title}`}
            onClick={onRemove}
          >
            <Icon name="close" />
          </button>
        )}
        <span class="muted strip-value" title={text}>
          {text}
        </span>
        {isTold && !isLow && (
          <span class="muted strip-value">
            {formatInstant(from + (hovered as number) * step, Date.now())}
          </span>
        )}
        {isFixed && view.value.where.length > 0 && <span class="muted strip-value">without the filters</span>}
        {error && (
          <span class="bad" title={error.message}>
            {lines.some(({ values }) => values.length > 0) ? 'as it was before' : error.message}
          </span>
        )}
      </div>
      <div
        class="strip-plot"
        ref={host}
        role="group"
        tabIndex={isFixed ? undefined : 0}
        aria-label={`${title} over time, ${formatRange(span.from, span.to, Date.now())}.${
          isFixed ? '' : ` ${brushText(brush)}`
        }`}
        onKeyDown={isFixed ? undefined : onKeyDown}
      />
    </div>
  );
}

function brushText(brush: { from: number; to: number } | undefined): string {
  const brushed = brush
    ? `Brushed: ${formatRange(brush.from, brush.to, Date.now())}.`
    : 'Nothing is brushed.';
  return `${brushed} Left and right move the brush, with shift its end, escape takes it away.`;
}
