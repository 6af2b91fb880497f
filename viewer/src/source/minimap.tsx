import type { JSX } from 'preact';
import type { SourceRow } from './lines.js';

interface Props {
  rows: readonly SourceRow[];
  /** Indexes of rows that cost much. */
  hot: readonly number[];
  most: number;
  onChoose(index: number): void;
}

/** There are no more pixels. */
const MOST_MARKS = 400;

/** Where in a file the lines are that cost much. A click goes to the nearest; keys do the same in the table. */
export function Minimap({ rows, hot, most, onChoose }: Props): JSX.Element {
  const total = (index: number) => (rows[index] as SourceRow).total;
  // The hottest last, on top of the others.
  const shown = hot
    .toSorted((a, b) => total(b) - total(a))
    .slice(0, MOST_MARKS)
    .reverse();
  const onClick = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const at = ((event.clientY - box.top) / box.height) * rows.length;
    const nearest = hot.toSorted((a, b) => Math.abs(a - at) - Math.abs(b - at))[0];
    if (nearest !== undefined) onChoose(nearest);
  };
  return (
    <div class="minimap" aria-hidden="true" onClick={onClick}>
      {shown.map((index) => (
        <span
          key={index}
          style={{ top: `${(index / rows.length) * 100}%`, opacity: 0.25 + 0.75 * (total(index) / most) }}
        />
      ))}
    </div>
  );
}
