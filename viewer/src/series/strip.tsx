import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Series, ValueType } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { selectionQuery } from '../api/selection.js';
import { typeName } from '../format/names.js';
import { formatInstant, formatRange } from '../format/time.js';
import { Icon } from '../parts/icons.js';
import { change, shownWindow, view } from '../state/page.js';
import { report } from '../state/report.js';
import { service } from '../state/services.js';
import { theme } from '../state/theme.js';
import { useAnswer } from '../state/use-answer.js';
import { formatLevel, levelsOf, levelUnit } from './levels.js';
import { drawBrush, drawPoints, makePlot, stripHeight } from './plot.js';
import { brushByKey, stepFor } from './steps.js';

const askSeries = (question: string, signal: AbortSignal) => askJson<Series>(question, signal);

interface Props {
  type: ValueType;
  isLast: boolean;
  onRemove: (() => void) | undefined;
}

/** One kind of value over the window of time, with the brush. */
export function Strip({ type, isLast, onRemove }: Props): JSX.Element {
  const { brush, window } = view.value;
  // Of other ranges, and of parts of its samples over time, a report has nothing.
  const isFixed = report.value !== undefined;
  const where = isFixed ? [] : view.value.where;
  const span = shownWindow.value;
  const name = service.value?.name;
  const step = stepFor(span);
  // From the start of a step, so that a window that moves asks for whole ones.
  const from = Math.floor(span.from / step) * step;
  const question =
    name &&
    `series?${selectionQuery({ service: name, from, to: span.to, type: type.name, where }, { step })}`;
  const { answer, error } = useAnswer(question, JSON.stringify([name, type.name, where, window]), askSeries);
  const values = answer && service.value ? levelsOf(answer, service.value) : [];
  const [hovered, setHovered] = useState<number>();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const onBrush = (brushed: { from: number; to: number } | undefined) => change({ brush: brushed });

  useLayoutEffect(() => {
    const element = host.current as HTMLElement;
    const format = (level: number) => formatLevel(level, type.unit, type.name);
    const made = makePlot(element, element.clientWidth, isLast, format, {
      hover: setHovered,
      brush: isFixed ? undefined : onBrush,
    });
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: stripHeight(isLast) });
      drawBrush(made, view.peek().brush);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [isLast, type.unit]);
  useEffect(() => {
    const times = values.map((_value, index) => (answer as Series).from + index * (answer as Series).step);
    if (plot.current) drawPoints(plot.current, { times, values }, span);
  }, [answer, span.from, span.to, isLast, type.unit]);
  useEffect(() => {
    if (plot.current) drawBrush(plot.current, brush);
  }, [brush, answer, span.from, span.to, isLast]);
  useEffect(() => plot.current?.redraw(false, true), [theme.value]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && brush) {
      change({ brush: undefined });
      event.stopPropagation();
      return;
    }
    const moved = brushByKey(event.key, event.shiftKey, brush, span, step);
    if (!moved) return;
    event.preventDefault();
    change({ brush: moved }, brush ? 'replace' : 'push');
  };
  const value = hovered === undefined ? undefined : values[hovered];
  return (
    <div class="strip">
      <div class="strip-name">
        <strong>{typeName(type.name)}</strong>
        {onRemove && (
          <button
            type="button"
            class="remove"
            aria-label={`Remove the strip of ${typeName(type.name)}`}
            onClick={onRemove}
          >
            <Icon name="close" />
          </button>
        )}
        <span class="muted strip-value">
          {value != null && formatLevel(value, type.unit, type.name)} {levelUnit(type.unit, type.name)}
        </span>
        {value != null && answer && (
          <span class="muted strip-value">
            {formatInstant(answer.from + (hovered as number) * answer.step, Date.now())}
          </span>
        )}
        {isFixed && view.value.where.length > 0 && <span class="muted strip-value">without the filters</span>}
        {error && <span class="bad">{error.message}</span>}
      </div>
      <div
        class="strip-plot"
        ref={host}
        role="group"
        tabIndex={isFixed ? undefined : 0}
        aria-label={`${typeName(type.name)} over time, ${formatRange(span.from, span.to, Date.now())}.${
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
