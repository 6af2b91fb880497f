import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.js';
import { openFiles } from './files.js';

/** The button of the header: what can be dropped on the page can be chosen here. */
export function OpenFiles(): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="tool"
        data-open-files
        aria-label="Open profile files"
        title="Open profile files (u): pprof, .cpuprofile, .heapprofile, speedscope, collapsed stacks"
        onClick={() => field.current?.click()}
      >
        <Icon name="open" />
      </button>
      <input
        ref={field}
        type="file"
        multiple
        hidden
        aria-label="Profile files"
        onChange={({ currentTarget }) => {
          openFiles([...(currentTarget.files ?? [])]);
          // The same file again is a change too.
          currentTarget.value = '';
        }}
      />
    </>
  );
}

/** Lets somebody choose files, as the button of the header does. */
export function chooseFiles(): void {
  document.querySelector<HTMLElement>('[data-open-files]')?.click();
}
