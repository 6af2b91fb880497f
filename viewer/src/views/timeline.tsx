import type { JSX } from 'preact';
import { askBytes } from '../api/client.js';
import { decodeTimeline } from '../api/decode-timeline.js';
import { Timeline } from '../graph/index.js';
import { Answer } from '../parts/status.js';
import { change, view } from '../state/page.js';
import { theme } from '../state/theme.js';
import { useSelected } from '../state/use-selected.js';

const askTimeline = async (question: string, signal: AbortSignal) =>
  decodeTimeline(await askBytes(question, signal));

/** Samples and events of each thread by time. */
export function TimelineView(): JSX.Element {
  const answered = useSelected('timeline', {}, askTimeline);
  const { lanes } = view.value;
  return (
    <Answer answered={answered} isEmpty={({ lane }) => lane.length === 0}>
      {(data) => (
        <>
          <Timeline
            data={data}
            theme={theme.value}
            range={lanes ? [lanes.from, lanes.to] : null}
            onRange={(range) =>
              change({ lanes: range ? { from: range[0], to: range[1] } : undefined }, 'replace')
            }
            onSelect={(chosen) => chosen}
          />
          {data.omitted > 0 && (
            <p class="foot muted">
              {data.omitted} samples are left out. Brush a shorter range to see all of them.
            </p>
          )}
        </>
      )}
    </Answer>
  );
}
