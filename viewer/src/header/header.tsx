import type { JSX } from 'preact';
import type { Service } from '../api/answers.js';
import { typeName } from '../format/names.js';
import { OpenFiles } from '../import/open-files.js';
import { Icon, Mark } from '../parts/icons.js';
import { endBehind } from '../state/last-window.js';
import { change, view } from '../state/page.js';
import { report } from '../state/report.js';
import { service, services, valueType } from '../state/services.js';
import { switchTheme, theme } from '../state/theme.js';
import type { Window } from '../state/view.js';
import { ReportNote } from './report-note.js';
import { TimeChoice } from './time-choice.js';

/** The line at the top: which service, which value, which time. */
export function Header({ onHelp }: { onHelp(): void }): JSX.Element {
  return (
    <header class="header">
      <h1>
        <Mark />
        Everflame
      </h1>
      <ServiceChoice />
      <TypeChoice />
      <span class="spring" />
      {report.value ? <ReportNote head={report.value} /> : <TimeChoice />}
      {!report.value && <OpenFiles />}
      <button
        type="button"
        class="tool"
        aria-label={theme.value === 'dark' ? 'Light colours' : 'Dark colours'}
        title={`${theme.value === 'dark' ? 'Light' : 'Dark'} colours (t)`}
        onClick={switchTheme}
      >
        <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
      </button>
      <button
        type="button"
        class="tool"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={onHelp}
      >
        <Icon name="help" />
      </button>
    </header>
  );
}

function ServiceChoice(): JSX.Element {
  const all = services.value ?? [];
  const chosen = service.value?.name ?? view.value.service ?? '';
  return (
    <label class="choice">
      <span class="muted">Service</span>
      <select
        value={chosen}
        disabled={all.length === 0}
        onChange={({ currentTarget }) =>
          // What was chosen of one service is seldom there in another.
          change({
            service: currentTarget.value,
            window: windowFor(all.find(({ name }) => name === currentTarget.value)),
            where: [],
            brush: undefined,
            of: undefined,
            selected: undefined,
            zoom: undefined,
            transforms: [],
            opened: [],
            source: undefined,
            row: [],
          })
        }
      >
        {!all.some(({ name }) => name === chosen) && <option value={chosen}>{chosen}</option>}
        {all.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The window as it is, unless it is a span in which the service has nothing: then all of what it has. */
function windowFor(chosen: Service | undefined): Window {
  const { window } = view.value;
  if (!chosen || 'last' in window || (chosen.from < window.to && chosen.to > window.from)) return window;
  return { from: Math.floor(chosen.from), to: endBehind(chosen.to) };
}

function TypeChoice(): JSX.Element {
  const types = service.value?.types ?? [];
  return (
    <label class="choice">
      <span class="muted">Value</span>
      <select
        value={valueType.value?.name ?? ''}
        disabled={types.length === 0}
        onChange={({ currentTarget }) => change({ type: currentTarget.value })}
      >
        {types.map(({ name }) => (
          <option key={name} value={name}>
            {typeName(name)}
          </option>
        ))}
      </select>
    </label>
  );
}
