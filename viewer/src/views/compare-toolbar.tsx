import type { JSX } from 'preact';
import type { LabelKey } from '../api/answers.js';
import { SearchField } from '../parts/search-field.js';
import { Segments } from '../parts/segments.js';
import { change, view } from '../state/page.js';
import { BY_PROFILE, type SideChoice } from '../state/profile-sides.js';
import { report } from '../state/report.js';
import { valuesOf } from '../state/sides.js';
import { type Comparison, HOUR } from '../state/view.js';
import { FrameSizes } from './frame-sizes.js';
import { ProfileChoice } from './side-choices.js';

const EARLIER: [milliseconds: number, text: string][] = [
  [0, 'the time just before'],
  [HOUR, 'an hour before'],
  [24 * HOUR, 'a day before'],
  [7 * 24 * HOUR, 'a week before'],
];

function set(changes: Partial<Comparison>): void {
  change({ comparison: { ...view.value.comparison, ...changes }, zoom: undefined, selected: undefined });
}

interface Props {
  keys: readonly LabelKey[];
  /** Where profiles are compared: what there is to choose, and what is chosen. */
  profiles: { choices: readonly SideChoice[]; chosen: { a: string; b: string } | undefined } | undefined;
}

/** What is compared with what, and how it is shown. */
export function CompareToolbar({ keys, profiles }: Props): JSX.Element {
  const { comparison } = view.value;
  const { by, before, layout } = comparison;
  return (
    <div class="toolbar">
      <label class="choice">
        <span class="muted">Compare by</span>
        <select value={by} onChange={({ currentTarget }) => set({ by: currentTarget.value, a: '', b: '' })}>
          {!report.value && (
            <>
              <option value="time">time</option>
              <option value={BY_PROFILE}>profile or file</option>
            </>
          )}
          {keys.map(({ key }) => (
            <option key={key} value={key}>
              {key}
            </option>
          ))}
          {by !== 'time' && by !== BY_PROFILE && !keys.some(({ key }) => key === by) && (
            <option value={by}>{by}</option>
          )}
        </select>
      </label>
      {by === 'time' ? (
        <label class="choice">
          <span class="side side-a">A</span>
          <select
            aria-label="A is"
            value={String(before)}
            onChange={({ currentTarget }) => set({ before: Number(currentTarget.value) })}
          >
            {EARLIER.map(([milliseconds, text]) => (
              <option key={milliseconds} value={String(milliseconds)}>
                {text}
              </option>
            ))}
            {!EARLIER.some(([milliseconds]) => milliseconds === before) && (
              <option value={String(before)}>{before / 1000} s before</option>
            )}
          </select>
        </label>
      ) : (
        <>
          {(['a', 'b'] as const).map((side) =>
            profiles ? (
              <ProfileChoice
                key={side}
                side={side}
                choices={profiles.choices}
                chosen={profiles.chosen?.[side] ?? comparison[side]}
                onChoose={set}
              />
            ) : (
              <ValueChoice key={side} side={side} keys={keys} />
            ),
          )}
          <button
            type="button"
            class="button"
            title="Take A for B and B for A"
            onClick={() => {
              const values = profiles ? profiles.chosen : valuesOf(comparison, keys);
              if (values) set({ a: values.b, b: values.a });
            }}
          >
            Swap
          </button>
        </>
      )}
      <Segments
        label="Layout"
        value={layout}
        options={[
          { value: 'both', text: 'Combined' },
          { value: 'sides', text: 'Side by side' },
          { value: 'table', text: 'Table' },
        ]}
        onChange={(chosen) => set({ layout: chosen })}
      />
      <FrameSizes />
      <SearchField placeholder="Search name, file, package" />
    </div>
  );
}

function ValueChoice({ side, keys }: { side: 'a' | 'b'; keys: readonly LabelKey[] }): JSX.Element {
  const { comparison } = view.value;
  const chosen = valuesOf(comparison, keys)?.[side] ?? '';
  const values =
    keys.find(({ key }) => key === comparison.by)?.values.filter(({ value }) => value !== '') ?? [];
  const name = side.toUpperCase();
  return (
    <label class="choice">
      <span class={`side side-${side}`}>{name}</span>
      <select
        aria-label={`${name}: value of ${comparison.by}`}
        value={chosen}
        onChange={({ currentTarget }) => set({ [side]: currentTarget.value })}
      >
        {!values.some(({ value }) => value === chosen) && (
          <option value={chosen}>{chosen || '(choose)'}</option>
        )}
        {values.map(({ value }) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}
