import type { JSX } from 'preact';
import { change, view } from '../state/page.js';
import { Icon } from './icons.js';

/** The text that functions are searched by, the same in every view; `/` goes to it. */
export function SearchField({ placeholder }: { placeholder: string }): JSX.Element {
  const { search } = view.value;
  return (
    <label class="search">
      <Icon name="search" />
      <input
        type="search"
        data-search
        aria-label={placeholder}
        placeholder={placeholder}
        spellcheck={false}
        value={search}
        onInput={({ currentTarget }) => change({ search: currentTarget.value }, 'replace')}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (search === '') event.currentTarget.blur();
          else change({ search: '' }, 'replace');
        }}
      />
    </label>
  );
}
