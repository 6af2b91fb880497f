import { NO_FRAME, type Tree } from '../../api/tree.js';
import { nameOf, stackText } from '../details.js';
import { copyText } from '../input/clipboard.js';
import type { MenuItem } from '../menu/Menu.js';
import type { Transform } from '../transforms/apply.js';
import { runAt, runText } from '../transforms/fold.js';
import { type FunctionName, pathOf } from '../transforms/functions.js';

export interface MenuActions {
  onZoom: (node: number) => void;
  onTransform?: ((transform: Transform) => void) | undefined;
  /** Shows callers and callees of a function. */
  onSandwich?: ((wanted: FunctionName) => void) | undefined;
  /** Shows the lines of a file and what each costs; `line` is the function's first, 0 where it is not known. */
  onSource?: ((file: string, line: number) => void) | undefined;
  /** Opens the run of frames that a node stands for. */
  onOpen?: ((node: number) => void) | undefined;
  /** Whether a node's path leads to it wherever runs are folded, so that its sub-tree can be asked for. */
  hasPath?: ((node: number) => boolean) | undefined;
  /** Whether paths are those of a tree in which runs are folded. */
  isFolded?: boolean | undefined;
}

/** What can be done with a node. Only what the page can do is offered. */
export function menuItems(
  tree: Tree,
  node: number,
  { onZoom, onTransform, onSandwich, onSource, onOpen, hasPath, isFolded = false }: MenuActions,
): MenuItem[] {
  const { frames } = tree;
  const frame = tree.frame[node] as number;
  const items: MenuItem[] = [{ text: 'Zoom here', run: () => onZoom(node) }];
  const offer = (text: string, transform: Transform, apart = false): void => {
    if (onTransform) items.push({ text, run: () => onTransform(transform), apart });
  };
  const known = frame !== NO_FRAME;
  const grouped = known && frames.kind[frame] === 'group';
  const run = runAt(tree, node);
  if (run && onOpen) items.push({ text: `Open ${runText(frames, run)}`, run: () => onOpen(node) });
  if (node !== 0 && hasPath?.(node) !== false) {
    const path = pathOf(tree, node);
    offer('Show only this sub-tree', { kind: 'subtree', path, ...(isFolded && { isFolded }) });
  }
  if (known && !grouped && !run) {
    const name = frames.name[frame] as string;
    const wanted = { name, file: frames.file[frame] as string };
    const owner = frames.package[frame] as string;
    if (onSandwich) items.push({ text: 'Show callers and callees', run: () => onSandwich(wanted) });
    const hasSource = wanted.file !== '' && frames.kind[frame] !== 'native';
    if (onSource && hasSource)
      items.push({ text: 'Show source', run: () => onSource(wanted.file, frames.line[frame] as number) });
    offer('Focus on this function', { kind: 'focus', ...wanted }, true);
    offer('Hide this function', { kind: 'hide', ...wanted });
    offer('Collapse its recursion', { kind: 'collapse', ...wanted });
    if (owner !== '') {
      const called = owner === '(your code)' ? 'your code' : owner;
      offer(`Hide ${called}`, { kind: 'hide-package', package: owner }, true);
      offer(`Merge ${called} into one frame`, { kind: 'merge-package', package: owner });
    }
  }
  offer('Collapse all recursion', { kind: 'collapse' }, true);
  offer('Invert: callers from the leaf', { kind: 'invert' });
  if (node !== 0) {
    items.push({ text: 'Copy name', run: () => void copyText(nameOf(tree, node)), apart: true });
    items.push({ text: 'Copy stack', run: () => void copyText(stackText(tree, node)) });
  }
  return items;
}
