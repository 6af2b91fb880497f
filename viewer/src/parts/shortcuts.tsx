import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { report } from '../state/report.js';

const SHORTCUTS: [keys: string, does: string][] = [
  ['1 … 9', 'show a view, in the order of the tabs'],
  ['/', 'search functions'],
  ['f', 'add a filter'],
  ['t', 'light or dark'],
  [
    'Tab, arrows',
    'reach and use every control; in the call tree ← → close and open, in a graph they move between frames',
  ],
  ['o', 'in a graph and the call tree: open the folded frames that are chosen'],
  ['n p', 'in a source file: the next and the previous line that costs much'],
  ['Enter', 'in tables and the call tree: callers and callees of the function'],
  ['?', 'this list'],
];

/** Of keys that ask a collector for something else, such as another time: a report has none. */
const OF_COLLECTOR: typeof SHORTCUTS = [
  ['i', 'show the insights'],
  ['b', 'go to the strip, where ← → move the brush and Esc takes it away'],
  ['z', 'make the brushed range the window'],
  ['[ ]', 'move the window back or forth by half of it'],
  ['l', 'follow what arrives'],
  ['r', 'refresh'],
  ['u', 'open profile files; they can be dropped anywhere on the page too'],
];

/** The keys that the page knows, on top of it. */
export function Shortcuts({ isOpen, onClose }: { isOpen: boolean; onClose(): void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog class="shortcuts" ref={dialog} aria-labelledby="shortcuts-title" onClose={onClose}>
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <dl>
        {[...SHORTCUTS, ...(report.value ? [] : OF_COLLECTOR)].map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
