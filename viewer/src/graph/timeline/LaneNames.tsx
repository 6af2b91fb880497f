import type { LaneSamples } from './lanes.js';
import { AXIS_HEIGHT, type PlacedLane } from './place-lanes.js';

/** Characters of a process's id that tell it from the others of a service. */
const ID_LENGTH = 6;

/** The names of the lanes beside them. That of a thread opens and closes its stacks. */
export function LaneNames({ lanes, onToggle }: { lanes: PlacedLane[]; onToggle: (index: number) => void }) {
  const several = new Set(lanes.map(({ samples }) => samples.lane.runtimeId)).size > 1;
  const namesakes = countNames(lanes);
  return (
    <ul class="timeline-names">
      {lanes.map(({ samples, open, top, height, events }) => {
        const { name, threadId, runtimeId } = samples.lane;
        // Threads of a pool have one name.
        const id = (namesakes.get(nameOf(samples)) ?? 0) > 1 ? threadId : '';
        const title = [name, id && `thread ${id}`, several && `process ${runtimeId}`]
          .filter(Boolean)
          .join(', ');
        const text = (
          <>
            <span class="name">{name}</span> {id && <small>{id}</small>}{' '}
            {several && <small>{runtimeId.slice(0, ID_LENGTH)}</small>}
          </>
        );
        return (
          <li key={samples.index} style={{ top: `${AXIS_HEIGHT + top}px`, height: `${height}px` }}>
            {events ? (
              <span class="lane" title={title}>
                {text}
              </span>
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

/** What a lane is called in its process. */
function nameOf({ lane }: LaneSamples): string {
  return JSON.stringify([lane.runtimeId, lane.name]);
}

function countNames(lanes: PlacedLane[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { samples } of lanes) counts.set(nameOf(samples), (counts.get(nameOf(samples)) ?? 0) + 1);
  return counts;
}
