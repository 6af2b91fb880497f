import type { JSX } from 'preact';
import type { Tree } from '../api/tree.js';
import { formatValue } from '../format/value.js';
import type { Transform } from '../graph/index.js';
import { Icon } from '../parts/icons.js';
import { change, view } from '../state/page.js';

function textOf(transform: Transform): string {
  switch (transform.kind) {
    case 'focus':
      return `Only ${transform.name}`;
    case 'hide':
      return `Without ${transform.name}`;
    case 'hide-package':
      return `Without ${transform.package}`;
    case 'merge-package':
      return `${transform.package} as one`;
    case 'collapse':
      return transform.name === undefined
        ? 'Recursion collapsed'
        : `Recursion of ${transform.name} collapsed`;
    case 'invert':
      return 'Callers below';
    case 'subtree':
      return `Below ${transform.path.at(-1)?.name ?? ''}`;
  }
}

/** What was done to the graph, each to be taken back, and the two that are for the whole graph. */
export function TransformChips({ tree, taken }: { tree: Tree; taken: number }): JSX.Element {
  const { transforms } = view.value;
  const set = (next: readonly Transform[]) =>
    change({ transforms: next, zoom: undefined, selected: undefined });
  const has = (kind: Transform['kind']) => transforms.some((transform) => transform.kind === kind);
  return (
    <>
      {!has('collapse') && (
        <button type="button" class="button" onClick={() => set([...transforms, { kind: 'collapse' }])}>
          Collapse recursion
        </button>
      )}
      {!has('invert') && (
        <button
          type="button"
          class="button"
          title="Leaves become roots, with their callers below"
          onClick={() => set([...transforms, { kind: 'invert' }])}
        >
          Invert
        </button>
      )}
      {transforms.map((transform, index) => (
        <span key={index} class="chip">
          <span class="chip-text">{textOf(transform)}</span>
          <button
            type="button"
            class="remove"
            aria-label={`${textOf(transform)}: take back`}
            onClick={() => set(transforms.filter((_other, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {transforms.length > 1 && (
        <button type="button" class="button" onClick={() => set([])}>
          Take all back
        </button>
      )}
      {taken > 0 && <span class="muted">{formatValue(taken, tree.unit)} taken out</span>}
    </>
  );
}
