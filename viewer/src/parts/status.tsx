import type { ComponentChildren, JSX } from 'preact';
import { formatInstant, formatRange } from '../format/time.js';
import { chooseFiles } from '../import/open-files.js';
import { refresh } from '../state/actions.js';
import { endBehind } from '../state/last-window.js';
import { change, shownSpan, shownWindow, view } from '../state/page.js';
import { report } from '../state/report.js';
import { service, services, servicesError, valueType } from '../state/services.js';
import { Icon } from './icons.js';

/** A panel that has no figures to show: what is so, why, and what to do. */
export function Notice({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="notice" role="status">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** As long as there is no answer. */
function Waiting(): JSX.Element {
  return <Notice title={report.value ? 'Adding up …' : 'Asking the collector …'} />;
}

/** What a question that failed leaves in its panel. */
function Failure({ error }: { error: Error }): JSX.Element {
  return (
    <div class="notice failure" role="alert">
      <h2>This cannot be shown</h2>
      <p>{error.message}</p>
      <button type="button" class="button" onClick={refresh}>
        Try again
      </button>
    </div>
  );
}

/** Above what an earlier question brought, where the newest has failed. */
function Outdated({ error }: { error: Error }): JSX.Element {
  return (
    <p class="outdated" role="alert">
      <span>
        What is shown is of before: <span class="bad">{error.message}</span>
      </span>
      <button type="button" class="button" onClick={refresh}>
        Try again
      </button>
    </p>
  );
}

/** The page as long as there is no service. */
export function NoService(): JSX.Element {
  if (servicesError.value) return <Failure error={servicesError.value} />;
  if (services.value === undefined) return <Waiting />;
  if (services.value.length > 0)
    return (
      <Notice title={`There is no service ${view.value.service}`}>
        <p>Choose one of {services.value.map(({ name }) => name).join(', ')} in the list at the top.</p>
      </Notice>
    );
  return (
    <Notice title="No profile has arrived yet">
      <p>
        Start a program with <code>npx everflame dev -- node app.js</code>, or send profiles to{' '}
        <code>{location.origin}</code>. What arrives is shown here at once.
      </p>
      <div class="drop-hint">
        <p>Or drop files here: pprof, .cpuprofile, .heapprofile, speedscope JSON, collapsed stacks.</p>
        <button type="button" class="button" onClick={chooseFiles}>
          <Icon name="open" />
          Choose files
        </button>
      </div>
    </Notice>
  );
}

/** A range without samples, and the shortest way to one that has some. */
function NoSamples(): JSX.Element {
  const { from, to } = shownSpan.value;
  const { where, brush } = view.value;
  const known = service.value;
  const isOutside = !report.value && known !== undefined && (known.to < from || known.from > to);
  const showLast = () => {
    if (!known) return;
    const { from: start, to: end } = shownWindow.value;
    change({
      window: { from: Math.floor(known.to - (end - start)), to: endBehind(known.to) },
      brush: undefined,
      live: false,
    });
  };
  return (
    <Notice title={`No samples of type ${valueType.value?.name ?? ''} in this range`}>
      <p>{formatRange(from, to, Date.now())}</p>
      {isOutside && (
        <p>
          {known.name} was seen last at {formatInstant(known.to, Date.now())}.{' '}
          <button type="button" class="button" onClick={showLast}>
            Show that time
          </button>
        </p>
      )}
      {where.length > 0 && (
        <p>
          {where.length === 1 ? 'A filter is' : `${where.length} filters are`} set.{' '}
          <button type="button" class="button" onClick={() => change({ where: [] })}>
            Remove {where.length === 1 ? 'it' : 'them'}
          </button>
        </p>
      )}
      {brush && (
        <p>
          <button type="button" class="button" onClick={() => change({ brush: undefined })}>
            Show the whole window
          </button>
        </p>
      )}
      {!isOutside && where.length === 0 && !brush && (
        <p>Choose {!report.value && 'a longer range, or '}another type of value.</p>
      )}
    </Notice>
  );
}

interface PanelProps<Answer> {
  answered: { answer: Answer | undefined; error: Error | undefined; busy: boolean };
  isEmpty(answer: Answer): boolean;
  children(answer: Answer): ComponentChildren;
}

/** Shows an answer, or that it is on its way, empty or failed. An older answer stays while the next is under way, and where that fails. */
export function Answer<Given>({ answered, isEmpty, children }: PanelProps<Given>): JSX.Element {
  const { answer, error, busy } = answered;
  return (
    <div class="answer" aria-busy={busy}>
      {busy && <div class="progress" role="progressbar" aria-label="Asking the collector" />}
      {error && answer !== undefined && <Outdated error={error} />}
      {error && answer === undefined ? (
        <Failure error={error} />
      ) : answer === undefined ? (
        <Waiting />
      ) : isEmpty(answer) ? (
        <NoSamples />
      ) : (
        children(answer)
      )}
    </div>
  );
}
