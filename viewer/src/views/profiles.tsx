import type { JSX } from 'preact';
import type { ProfileEntry, Profiles } from '../api/answers.js';
import { API, askJson } from '../api/client.js';
import { type Selection, selectionQuery } from '../api/selection.js';
import { typeName } from '../format/names.js';
import { formatDuration, formatInstant } from '../format/time.js';
import { formatExact, formatValue } from '../format/value.js';
import { Icon } from '../parts/icons.js';
import { Answer } from '../parts/status.js';
import { printCondition, toggled } from '../state/conditions.js';
import { change, view } from '../state/page.js';
import { selectionOfProfile } from '../state/profile-sides.js';
import { report } from '../state/report.js';
import { selection, valueType } from '../state/services.js';
import { sharedTags } from '../state/shared-tags.js';
import { useSelected } from '../state/use-selected.js';
import { CompareChosen, Downloads, SideButton } from './profile-actions.js';

const askProfiles = (question: string, signal: AbortSignal) => askJson<Profiles>(question, signal);

/** The profiles that the figures come from, to be downloaded together or one at a time. */
export function ProfilesView(): JSX.Element {
  const answered = useSelected('profiles', {}, askProfiles);
  const shown = selection.value;
  return (
    <Answer answered={answered} isEmpty={({ profiles }) => profiles.length === 0}>
      {({ profiles, more }) => {
        const shared = sharedTags(profiles.map(({ tags }) => tags));
        return (
          <>
            <div class="toolbar">
              {shown && !report.value && <Downloads shown={shown} />}
              <CompareChosen />
              <span class="muted">
                {profiles.length + more} profile{profiles.length + more === 1 ? '' : 's'}
                {more > 0 && `, of which ${profiles.length} are listed`}
              </span>
            </div>
            {shared.size > 0 && (
              <p class="shared-tags">
                <span class="muted">These all have</span> <Tags tags={[...shared]} />
              </p>
            )}
            <div class="plain-table">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Ended</th>
                    <th scope="col" class="figure">
                      Length
                    </th>
                    <th scope="col">Kind</th>
                    <th scope="col" class="figure">
                      Samples
                    </th>
                    <th scope="col" class="figure">
                      {typeName(valueType.value?.name ?? '')}
                    </th>
                    <th scope="col">Tags</th>
                    {!report.value && (
                      <>
                        <th scope="col">Compare</th>
                        <th scope="col">pprof</th>
                      </>
                    )}
                  </tr>
                </thead>
                <tbody>
                  {profiles
                    .toSorted((a, b) => b.to - a.to)
                    .map((profile) => (
                      <Row key={profile.id} profile={profile} shared={shared} shown={shown} />
                    ))}
                </tbody>
              </table>
            </div>
          </>
        );
      }}
    </Answer>
  );
}

interface RowProps {
  profile: ProfileEntry;
  /** Tags that stand above the table. */
  shared: ReadonlyMap<string, string>;
  shown: Selection | undefined;
}

function Row({ profile, shared, shown }: RowProps): JSX.Element {
  const value = profile.types.find(({ name }) => name === valueType.value?.name);
  const tags = Object.entries(profile.tags).filter(([key]) => !shared.has(key));
  const ended = formatInstant(profile.to, Date.now());
  const alone = shown && { ...selectionOfProfile(shown.service, profile), type: shown.type };
  return (
    <tr>
      <td>{ended}</td>
      <td class="figure">{formatDuration(profile.to - profile.from)}</td>
      <td>{profile.kind}</td>
      <td class="figure">{profile.samples.toLocaleString('en')}</td>
      <td class="figure" title={value && formatExact(value.total, value.unit)}>
        {value ? formatValue(value.total, value.unit) : '–'}
      </td>
      <td class="tags">
        <Tags tags={tags} />
      </td>
      {alone && !report.value && (
        <>
          <td class="sides-choice">
            <SideButton side="a" profile={alone} ended={ended} />
            <SideButton side="b" profile={alone} ended={ended} />
          </td>
          <td>
            <a
              class="tool"
              href={`${API}/pprof?${selectionQuery(alone)}`}
              download
              aria-label={`Download the profile that ended at ${ended} as pprof`}
              title="Download as pprof"
            >
              <Icon name="download" />
            </a>
          </td>
        </>
      )}
    </tr>
  );
}

/** Each filters by itself. */
function Tags({ tags }: { tags: readonly (readonly [key: string, text: string])[] }): JSX.Element {
  const { where } = view.value;
  return (
    <>
      {tags.map(([key, text]) => {
        const condition = printCondition({ key, value: text, not: false });
        return (
          <button
            key={key}
            type="button"
            class="tag"
            aria-pressed={where.includes(condition)}
            title={`Show only ${key} ${text}, or all again`}
            onClick={() => change({ where: toggled(where, condition) })}
          >
            <span class="muted">{key}</span> {text}
          </button>
        );
      })}
    </>
  );
}
