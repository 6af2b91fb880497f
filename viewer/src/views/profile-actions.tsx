import type { JSX } from 'preact';
import { API } from '../api/client.js';
import { type Selection, selectionQuery } from '../api/selection.js';
import { Icon } from '../parts/icons.js';
import { change, view } from '../state/page.js';
import { BY_PROFILE } from '../state/profile-sides.js';

/** All that is shown, as files. */
export function Downloads({ shown }: { shown: Selection }): JSX.Element {
  const query = selectionQuery(shown);
  // A report has every kind of value.
  const whole = selectionQuery({ ...shown, type: undefined });
  return (
    <>
      <a class="button" href={`${API}/pprof?${query}`} download>
        <Icon name="download" />
        All of it as pprof
      </a>
      <a
        class="button"
        href={`${API}/report?${whole}`}
        download
        title="One file that shows itself without a collector. It holds names of functions, paths of files, and values of labels and tags"
      >
        <Icon name="download" />
        Export HTML
      </a>
      <a
        class="button"
        href={`${API}/report?${whole}&strip=1`}
        download
        title="The same without folders of files, and with numbers in place of values of labels and tags"
      >
        <Icon name="download" />
        Export HTML, stripped
      </a>
    </>
  );
}

/** Goes to the comparison, once both of its sides are profiles. */
export function CompareChosen(): JSX.Element | null {
  const { by, a, b } = view.value.comparison;
  if (by !== BY_PROFILE || a === '' || b === '') return null;
  return (
    <button
      type="button"
      class="button"
      onClick={() => change({ tab: 'compare', zoom: undefined, selected: undefined })}
    >
      Compare A with B
    </button>
  );
}

interface Props {
  side: 'a' | 'b';
  profile: Selection;
  /** When it ended, as its row says. */
  ended: string;
}

/** Makes a profile a side of the comparison, or takes it back. */
export function SideButton({ side, profile, ended }: Props): JSX.Element {
  const { comparison } = view.value;
  const value = selectionQuery({ ...profile, type: undefined });
  const isSame = comparison.by === BY_PROFILE;
  const isChosen = isSame && comparison[side] === value;
  const name = side.toUpperCase();
  return (
    <button
      type="button"
      class={`tool ${isChosen ? `side side-${side}` : ''}`}
      aria-pressed={isChosen}
      aria-label={`${name} of the comparison: the profile that ended at ${ended}`}
      title={`Compare it as ${name}`}
      onClick={() => {
        // What was chosen of something else is no profile.
        const sides = isSame ? { a: comparison.a, b: comparison.b } : { a: '', b: '' };
        change({ comparison: { ...comparison, by: BY_PROFILE, ...sides, [side]: isChosen ? '' : value } });
      }}
    >
      {name}
    </button>
  );
}
