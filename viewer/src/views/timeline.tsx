import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { askBytes } from '../api/client.js';
import { decodeTimeline } from '../api/decode-timeline.js';
import type { TimelineData } from '../api/timeline.js';
import { NO_FRAME } from '../api/tree.js';
import { formatDuration, formatInstant } from '../format/time.js';
import { formatValue } from '../format/value.js';
import { Timeline } from '../graph/index.js';
import { Answer } from '../parts/status.js';
import { change, view } from '../state/page.js';
import { theme } from '../state/theme.js';
import { useSelected } from '../state/use-selected.js';
import type { FunctionKey, Span } from '../state/view.js';
import { amountOf } from '../tree/amount.js';

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
            range={lanes && [lanes.from, lanes.to]}
            onRange={(range) => change({ lanes: range && { from: range[0], to: range[1] } }, 'replace')}
            onSelect={(chosen) => change(chosen ? { of: functionOf(data, chosen.node) } : {}, 'replace')}
          />
          {lanes && <Chosen data={data} range={lanes} />}
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

/** What a range that was chosen in the lanes amounts to. */
function Chosen({ data, range }: { data: TimelineData; range: Span }): JSX.Element {
  const { cpu, wall, samples } = useMemo(() => amountOf(data, range), [data, range]);
  return (
    <p class="foot" role="status" data-chosen>
      <strong>{formatDuration(range.to - range.from)}</strong>{' '}
      <span class="muted">from {formatInstant(range.from, Date.now())}:</span> {samples.toLocaleString('en')}{' '}
      samples, CPU time {formatValue(cpu, 'nanoseconds')}, wall time {formatValue(wall, 'nanoseconds')}
    </p>
  );
}

/** The function of a stack's innermost frame. */
function functionOf({ frame, frames }: TimelineData, node: number): FunctionKey | undefined {
  const index = frame[node];
  if (index === undefined || index === NO_FRAME) return undefined;
  return { name: frames.name[index] as string, file: frames.file[index] as string };
}
