import type { ComponentChildren, JSX } from 'preact';
import { printView } from '../state/address.js';
import { change } from '../state/page.js';
import type { View } from '../state/view.js';

interface Props {
  to: View;
  class?: string;
  title?: string;
  /** Where its text alone says too little. */
  label?: string;
  children: ComponentChildren;
}

/** A link to another view of the page: it is followed in place, and opens in a tab of its own where that is asked for. */
export function ViewLink({ to, class: name = 'link', title, label, children }: Props): JSX.Element {
  return (
    <a
      class={name}
      href={`?${printView(to)}`}
      title={title}
      aria-label={label}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        change(to);
      }}
    >
      {children}
    </a>
  );
}
