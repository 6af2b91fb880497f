import type { JSX } from 'preact';
import type { Tree } from '../api/tree.js';
import { Segments } from '../parts/segments.js';
import { change, view } from '../state/page.js';
import type { CompareUnit } from '../state/view.js';
import { whyNotPerRequest } from '../tree/compared.js';

/** By what the sides of a difference are made even: what was chosen, where they tell it. */
export function unitOf(tree: Tree): CompareUnit {
  return view.value.comparison.per === 'request' && whyNotPerRequest(tree) === undefined
    ? 'request'
    : 'second';
}

/** Whether a second is compared or a request; where that cannot be, why. */
export function UnitChoice({ tree }: { tree: Tree }): JSX.Element {
  const why = whyNotPerRequest(tree);
  const { comparison } = view.value;
  return (
    <div class="amount unit-choice">
      <Segments
        label="Compared"
        value={unitOf(tree)}
        options={[
          {
            value: 'second',
            text: 'Per second',
            title: "A's figures are scaled to the time of B's profiles",
          },
          {
            value: 'request',
            text: 'Per request',
            title: why ?? "A's figures are scaled to the requests of B",
            disabled: why !== undefined,
          },
        ]}
        onChange={(per) => change({ comparison: { ...comparison, per } })}
      />{' '}
      {why && <span class="muted">{why}</span>}
    </div>
  );
}
