import { AXIS_HEIGHT, type PlacedLane } from './place-lanes.js';

/** The names of the lanes beside them. That of a thread opens and closes its stacks. */
export function LaneNames({ lanes, onToggle }: { lanes: PlacedLane[]; onToggle: (index: number) => void }) {
  return (
    <ul class="timeline-names">
      {lanes.map(({ samples, open, top, height, events }) => (
        <li key={samples.index} style={{ top: `${AXIS_HEIGHT + top}px`, height: `${height}px` }}>
          {events ? (
            <span title={samples.lane.name}>{samples.lane.name}</span>
          ) : (
            <button
              type="button"
              aria-expanded={open}
              title={samples.lane.name}
              onClick={() => onToggle(samples.index)}
            >
              {samples.lane.name}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
