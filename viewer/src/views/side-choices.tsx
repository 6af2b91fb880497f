import type { JSX } from 'preact';
import type { SideChoice } from '../state/profile-sides.js';
import type { Comparison } from '../state/view.js';

interface Props {
  side: 'a' | 'b';
  choices: readonly SideChoice[];
  chosen: string;
  onChoose(changes: Partial<Comparison>): void;
}

/** Which profile or service a side of a comparison is. */
export function ProfileChoice({ side, choices, chosen, onChoose }: Props): JSX.Element {
  const name = side.toUpperCase();
  return (
    <label class="choice">
      <span class={`side side-${side}`}>{name}</span>
      <select
        class="long"
        aria-label={`${name}: a profile or a service`}
        value={chosen}
        onChange={({ currentTarget }) => onChoose({ [side]: currentTarget.value })}
      >
        {!choices.some(({ value }) => value === chosen) && (
          <option value={chosen}>{chosen === '' ? '(choose)' : '(another profile)'}</option>
        )}
        <Choices choices={choices} group="profile" title="Profiles of this service" />
        <Choices choices={choices} group="service" title="Services and files" />
      </select>
    </label>
  );
}

function Choices({
  choices,
  group,
  title,
}: {
  choices: readonly SideChoice[];
  group: SideChoice['group'];
  title: string;
}): JSX.Element | null {
  const own = choices.filter((choice) => choice.group === group);
  if (own.length === 0) return null;
  return (
    <optgroup label={title}>
      {own.map(({ value, text }) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </optgroup>
  );
}
