import type { ComponentChildren } from 'preact';
import type { Details } from './details.js';
import { usePlace } from './use-place.js';

/** A box beside the pointer, always whole in the window. It takes no pointer events, so it never stands in the way of what it tells about. */
export function Tooltip({
  at,
  children,
}: {
  at: { clientX: number; clientY: number };
  children: ComponentChildren;
}) {
  const { box, style } = usePlace(at, children);
  return (
    <div class="graph-tooltip" role="tooltip" ref={box} style={style}>
      {children}
    </div>
  );
}

/** What a tooltip says of a node. */
export function NodeDetails({ name, place, origin, columns, lines }: Details) {
  return (
    <>
      <div class="graph-tooltip-name">{name}</div>
      {place && <div class="graph-tooltip-place">{place}</div>}
      {origin && <div class="graph-tooltip-origin">{origin}</div>}
      <table>
        {columns.length > 0 && (
          <thead>
            <tr>
              <th />
              {columns.map((column) => (
                <th key={column}>{column}</th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {lines.map((line) => (
            <tr key={line.name}>
              <th>{line.name}</th>
              {line.values.map((value, index) => (
                <td key={columns[index] ?? index}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
