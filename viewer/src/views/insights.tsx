import type { JSX } from 'preact';
import type { Insight, InsightFrame, Insights } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { place, typeName } from '../format/names.js';
import { withLocalTimes } from '../format/time.js';
import { formatShare, formatValue } from '../format/value.js';
import { ShareBar } from '../parts/share-bar.js';
import { Answer, Notice } from '../parts/status.js';
import { ViewLink } from '../parts/view-link.js';
import { atFrame } from '../state/insight-link.js';
import { view } from '../state/page.js';
import { useSelected } from '../state/use-selected.js';

const askInsights = (question: string, signal: AbortSignal) => askJson<Insights>(question, signal);

/** Milliseconds: what is true of a minute needs not be asked for each second. */
const LIVE_STEP = 10_000;

/** What slows the service down, as rules tell it: each with what shows it and a way to the frames. */
export function InsightsView(): JSX.Element {
  const { live } = view.value;
  const answered = useSelected('insights', {}, askInsights, ({ from, to, ...shown }) => ({
    ...shown,
    // Each rule has its own kind of value.
    type: undefined,
    from: live ? Math.floor(from / LIVE_STEP) * LIVE_STEP : from,
    to: live ? Math.ceil(to / LIVE_STEP) * LIVE_STEP : to,
  }));
  return (
    <Answer answered={answered} isEmpty={({ type }) => type === undefined}>
      {(answer) => <Report answer={answer} />}
    </Answer>
  );
}

function Report({ answer }: { answer: Insights }): JSX.Element {
  const { insights, type = '', unit = '', busy, total, samples } = answer;
  const of = (state: Insight['state']) => insights.filter((one) => one.state === state);
  const found = of('found');
  return (
    <div class="insights">
      <p class="muted" data-summary>
        {found.length} of {insights.length} rules found something. The main thread was busy for{' '}
        {formatValue(busy, unit)} of {formatValue(total, unit)} ({typeName(type)}, {samples} samples).
      </p>
      {found.length === 0 && (
        <Notice title="Nothing was found">
          <p>Below is what was looked for, and what these profiles cannot tell.</p>
        </Notice>
      )}
      {found.map((insight) => (
        <Card key={insight.id} insight={insight} />
      ))}
      <Rest
        title="Could not be checked"
        lines={of('failed').map(({ subject, reason }) => [subject, reason ?? ''])}
      />
      <Rest title="Cannot be told from these profiles" lines={grouped(of('unknown'))} />
      <Rest
        title="Checked and fine"
        lines={of('fine').map(({ subject, share = 0 }) => [subject, formatShare(share, 1)])}
      />
    </div>
  );
}

function Card({ insight }: { insight: Insight }): JSX.Element {
  const { id, title, severity, share = 0, evidence = [], frames = [], callers = [], rule, remedy } = insight;
  const [first] = frames;
  return (
    <article class="insight" aria-labelledby={`insight-${id}`} data-insight={id}>
      <header>
        <span class={`severity ${severity}`}>{severity}</span>
        <h2 id={`insight-${id}`}>{title}</h2>
        <span class="spring" />
        <ShareBar part={share} whole={1} />
        <strong class="insight-share">{formatShare(share, 1)}</strong>
      </header>
      {evidence.map((sentence) => (
        <p key={sentence}>{withLocalTimes(sentence, Date.now())}</p>
      ))}
      <FrameTable title="In" insight={insight} frames={frames} />
      <FrameTable title="Called by" insight={insight} frames={callers} />
      <p>
        <b>Remedy.</b> {remedy}
      </p>
      <details>
        <summary>The rule</summary>
        <p class="muted">{rule}</p>
      </details>
      {first && (
        <ViewLink class="button" to={atFrame(view.value, insight, first, 'flame')}>
          Show it in the flame graph
        </ViewLink>
      )}
    </article>
  );
}

interface FrameTableProps {
  title: string;
  insight: Insight;
  frames: readonly InsightFrame[];
}

function FrameTable({ title, insight, frames }: FrameTableProps): JSX.Element | null {
  if (frames.length === 0) return null;
  return (
    <table class="insight-frames">
      <thead>
        <tr>
          <th scope="col" class="figure">
            Amount
          </th>
          <th scope="col">{title}</th>
          <th scope="col">Where</th>
          <th scope="col">
            <span class="hidden">Flame graph</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {frames.map((frame) => (
          <tr key={`${frame.name} ${frame.file}`}>
            <td class="figure">{formatValue(frame.value, insight.unit ?? '')}</td>
            <th scope="row" class="clip" title={frame.name}>
              <ViewLink
                class="mono"
                title="Its callers and callees"
                to={atFrame(view.value, insight, frame, 'sandwich')}
              >
                {frame.name}
              </ViewLink>
            </th>
            <td class="clip muted" title={frame.file}>
              {place(frame.file, frame.line)}
            </td>
            <td>
              <ViewLink
                label={`${frame.name} in the flame graph`}
                to={atFrame(view.value, insight, frame, 'flame')}
              >
                Flame graph
              </ViewLink>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Rest({
  title,
  lines,
}: {
  title: string;
  lines: [subject: string, text: string][];
}): JSX.Element | null {
  if (lines.length === 0) return null;
  return (
    <section class="insight-rest">
      <h2>{title}</h2>
      <ul>
        {lines.map(([subject, text]) => (
          <li key={subject}>
            {subject}: <span class="muted">{text}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Rules that cannot be asked for one and the same reason stand together. */
function grouped(insights: Insight[]): [subject: string, text: string][] {
  const subjects = new Map<string, string[]>();
  for (const { subject, reason = '' } of insights)
    subjects.set(reason, [...(subjects.get(reason) ?? []), subject]);
  return [...subjects].map(([reason, all]) => [all.join(', '), reason]);
}
