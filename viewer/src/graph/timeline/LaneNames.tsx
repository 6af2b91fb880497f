import { AXIS_HEIGHT, type PlacedLane } from './place-lanes.js';

/** Characters of a process's id that tell it from the others of a service. */
const ID_LENGTH = 6;

/** The names of the lanes beside them. That of a thread opens and closes its stacks. */
export function LaneNames({ lanes, onToggle }: { lanes: PlacedLane[]; onToggle: (index: number) => void }) {
  const several = new Set(lanes.map(({ samples }) => samples.lane.runtimeId)).size > 1;
  return (
    <ul class="timeline-names">
      {lanes.map(({ samples, open, top, height, events }) => {
        const { name, runtimeId } = samples.lane;
        const title = several ? `${name}, process ${runtimeId}` : name;
        const text = (
          <>
            {name} {several && <small>{runtimeId.slice(0, ID_LENGTH)}</small>}
          </>
        );
        return (
          <li key={samples.index} style={{ top: `${AXIS_HEIGHT + top}px`, height: `${height}px` }}>
            {events ? (
              <span title={title}>{text}</span>
            ) : (
              <button
                type="button"
                aria-expanded={open}
                title={title}
                onClick={() => onToggle(samples.index)}
              >
                {text}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
