import type { JSX } from 'preact';
import { runAt } from '../graph/index.js';
import { Icon } from '../parts/icons.js';
import { change, view } from '../state/page.js';
import type { Shown } from '../tree/folded.js';

/**
 * Folds runs of native and Node.js frames, and tells how many of them are open all the same.
 * @param hasOpened whether what is open here stands in the address
 */
export function FoldSwitch({ hasOpened = true }: { hasOpened?: boolean }): JSX.Element {
  const { fold, opened } = view.value;
  return (
    <>
      <button
        type="button"
        class="button"
        aria-pressed={fold}
        title="Native and Node.js frames between yours as one"
        onClick={() => change({ fold: !fold, opened: [], zoom: undefined, selected: undefined })}
      >
        Fold native
      </button>
      {fold && hasOpened && opened.length > 0 && (
        <span class="chip">
          <span class="chip-text">{opened.length} opened</span>
          <button
            type="button"
            class="remove"
            aria-label="Fold those that are opened"
            onClick={() => change({ opened: [] })}
          >
            <Icon name="close" />
          </button>
        </span>
      )}
    </>
  );
}

/** Opens the run that a node stands for, and chooses its outermost frame. */
export function openRun({ tree, keyOf }: Shown, node: number): void {
  const [key, outermost] = [keyOf(node), runAt(tree, node)?.[0]];
  if (key === undefined || outermost === undefined) return;
  const of = { name: tree.frames.name[outermost] as string, file: tree.frames.file[outermost] as string };
  change({ opened: [...view.value.opened, key], selected: undefined, of });
}
