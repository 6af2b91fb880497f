import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { LabelKey, Labels } from '../api/answers.js';
import { askBytes, askJson } from '../api/client.js';
import { decodeTree } from '../api/decode-tree.js';
import { type Selection, selectionQuery } from '../api/selection.js';
import type { Tree } from '../api/tree.js';
import { formatRate } from '../format/rate.js';
import { formatDuration, formatRange } from '../format/time.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { applyTransforms, changeColor, FlameGraph, matchFrames } from '../graph/index.js';
import { Answer } from '../parts/status.js';
import { byUse } from '../state/key-order.js';
import { change, view } from '../state/page.js';
import { BY_PROFILE, profileSides } from '../state/profile-sides.js';
import { report } from '../state/report.js';
import { selection, service, subject } from '../state/services.js';
import { type Sides, sidesOf, valuesOf, withoutKey } from '../state/sides.js';
import { theme } from '../state/theme.js';
import { useAnswer } from '../state/use-answer.js';
import { useSelected } from '../state/use-selected.js';
import { normalised, requestsIn, sideOf } from '../tree/compared.js';
import { nodeOf, pathKeys, printKey } from '../tree/path-keys.js';
import { CompareToolbar } from './compare-toolbar.js';
import { UnitChoice, unitOf } from './compare-unit.js';
import { useOffered, useProfiles } from './compared-with.js';
import { DifferenceTable } from './difference-table.js';
import { TransformChips } from './transform-chips.js';

/** What the sides are called in a comparison by time. */
const EARLIER = { a: 'before', b: 'what is shown' };

/** What one side amounts to. */
interface Amount {
  total: number;
  seconds: number;
  /** 0 where that is not told. */
  requests: number;
}

interface Difference {
  tree: Tree;
  a: Amount;
  b: Amount;
}

const askLabels = (question: string, signal: AbortSignal) => askJson<Labels>(question, signal);

/**
 * Asks for a difference and, as it does not say for how many seconds its sides stand, for the root of each side.
 * @param questions these three, a line each
 */
async function askDifference(questions: string, signal: AbortSignal): Promise<Difference> {
  const [tree, a, b] = await Promise.all(
    questions.split('\n').map(async (question) => decodeTree(await askBytes(question, signal))),
  );
  const difference = tree as Tree;
  const amount = (side: Tree | undefined, name: 'a' | 'b'): Amount => ({
    total: side?.total ?? 0,
    seconds: side?.seconds ?? 0,
    requests: requestsIn(difference, name),
  });
  return { tree: difference, a: amount(a, 'a'), b: amount(b, 'b') };
}

/** Two selections and what is more or less in the second. */
export function CompareView(): JSX.Element | null {
  const { comparison } = view.value;
  const withoutOwn = ({ where, ...shown }: Selection) => ({
    ...shown,
    where: withoutKey(where, comparison.by),
  });
  const labels = useSelected('labels', {}, askLabels, withoutOwn);
  const keys = byUse(labels.answer?.keys ?? []);
  const shown = selection.value;
  const profiles = useProfiles(comparison, keys);
  useOffered(comparison, keys);
  if (!shown) return null;
  const sides = profiles
    ? profiles.chosen && profileSides(shown, profiles.chosen)
    : sidesOf(shown, comparison, keys);
  const names = profiles ? profiles.names : (valuesOf(comparison, keys) ?? EARLIER);
  return (
    <>
      <CompareToolbar keys={keys} profiles={profiles} />
      {sides ? (
        <Compared sides={sides} names={names} />
      ) : (
        <Choose keys={keys} by={comparison.by} busy={labels.busy || (profiles?.busy ?? false)} />
      )}
    </>
  );
}

function Choose({ keys, by, busy }: { keys: readonly LabelKey[]; by: string; busy: boolean }): JSX.Element {
  const values = keys.find(({ key }) => key === by)?.values ?? [];
  return (
    <div class="notice" role="status">
      {busy ? (
        <h2>Asking the collector …</h2>
      ) : (
        <>
          <h2>There are no two {by === BY_PROFILE ? 'profiles' : `values of ${by}`} in this range</h2>
          <p>
            {values.length === 1 ? `All samples have ${values[0]?.value}. ` : ''}
            {report.value ? 'Compare' : 'Choose a longer range, or compare'} by something else.
          </p>
        </>
      )}
    </div>
  );
}

function Compared({ sides, names }: { sides: Sides; names: Record<'a' | 'b', string> }): JSX.Element {
  const { frames, comparison } = view.value;
  const { by, before } = comparison;
  const [a, b] = [selectionQuery(sides.a), selectionQuery(sides.b)];
  const question = [
    `diff?${new URLSearchParams({ a, b, frames })}`,
    `tree?${selectionQuery(sides.a, { nodes: 1 })}`,
    `tree?${selectionQuery(sides.b, { nodes: 1 })}`,
  ].join('\n');
  const answered = useAnswer(
    question,
    `diff ${subject.value} ${frames} ${JSON.stringify([by, before, comparison.a, comparison.b])}`,
    askDifference,
  );
  return (
    <Answer answered={answered} isEmpty={({ a, b }) => a.total === 0 && b.total === 0}>
      {(difference) => (
        <>
          <div class="amounts">
            <Side side="a" selection={sides.a} amount={difference.a} tree={difference.tree} />
            <Side side="b" selection={sides.b} amount={difference.b} tree={difference.tree} />
            <Change {...difference} />
            <UnitChoice tree={difference.tree} />
          </div>
          <Shown difference={difference} names={names} />
        </>
      )}
    </Answer>
  );
}

interface SideProps {
  side: 'a' | 'b';
  selection: Selection;
  amount: Amount;
  tree: Tree;
}

function Side({
  side,
  selection: { service: name, from, to },
  amount: { total, seconds, requests },
  tree,
}: SideProps): JSX.Element {
  const { type, unit } = tree;
  const { comparison } = view.value;
  const about =
    comparison.by === 'time' || comparison.by === BY_PROFILE
      ? `${name === service.value?.name ? '' : `${name}, `}${formatRange(from, to, Date.now())}`
      : `${formatDuration(seconds * 1000)} of profiles`;
  const rate =
    unitOf(tree) === 'second'
      ? formatRate(total, unit, type, seconds)
      : `${formatValue(total / requests, unit)} a request · ${formatValue(requests, 'count')} ${requests === 1 ? 'request' : 'requests'}`;
  return (
    <div class="amount" data-side={side}>
      <span class={`side side-${side}`}>{side.toUpperCase()}</span>
      <strong title={formatExact(total, unit)}>{formatValue(total, unit)}</strong>{' '}
      <span class="muted">
        {seconds === 0 ? 'no samples' : rate} · {about}
      </span>
    </div>
  );
}

function Change({ a, b, tree }: Difference): JSX.Element | null {
  if (a.total === 0 || b.total === 0)
    return (
      <div class="amount" data-change>
        <span class="muted">
          {a.total === 0
            ? 'There is nothing in A: all of B is new.'
            : 'There is nothing in B: all of A is gone.'}{' '}
          Compare with something else, or a part of the time.
        </span>
      </div>
    );
  if (a.seconds === 0 || b.seconds === 0) return null;
  const isPerRequest = unitOf(tree) === 'request';
  const [amountA, amountB] = isPerRequest ? [a.requests, b.requests] : [a.seconds, b.seconds];
  const ratio = (b.total * amountA) / (a.total * amountB) - 1;
  return (
    <div class="amount" data-change>
      <strong class={ratio > 0 ? 'more' : ratio < 0 ? 'less' : undefined}>
        {ratio > 0 ? '+' : ''}
        {formatShare(ratio, 1)}
      </strong>{' '}
      <span class="muted">
        {isPerRequest
          ? "a request, from A to B; A's figures below are scaled to B's requests"
          : "a second of profiles, from A to B; A's figures below are scaled to B's time"}
      </span>
    </div>
  );
}

function Shown({
  difference,
  names,
}: {
  difference: Difference;
  names: Record<'a' | 'b', string>;
}): JSX.Element {
  const { comparison, transforms, zoom, selected, search } = view.value;
  const unit = unitOf(difference.tree);
  const even = useMemo(() => {
    const { tree: given, a, b } = difference;
    return unit === 'request'
      ? normalised(given, a.requests, b.requests)
      : normalised(given, a.seconds, b.seconds);
  }, [difference, unit]);
  const { tree, taken } = useMemo(() => applyTransforms(even, [...transforms]), [even, transforms]);
  const keys = useMemo(() => pathKeys(tree), [tree]);
  const matched = useMemo(
    () => (search === '' ? undefined : matchFrames(tree.frames, search)),
    [tree, search],
  );
  const trees = useMemo(() => ({ a: sideOf(tree, 'a'), b: sideOf(tree, 'b') }), [tree]);
  if (comparison.layout === 'table') return <DifferenceTable tree={tree} />;
  const keyOf = (node: number) => (node > 0 ? printKey(keys[node] as number) : undefined);
  const common = {
    orientation: view.value.shape,
    theme: theme.value,
    matched,
    zoomed: nodeOf(keys, zoom),
    onZoom: (node: number) => change({ zoom: keyOf(node) }),
    selected: nodeOf(keys, selected) || -1,
    onSelect: (node: number) => change({ selected: keyOf(node) }, selected ? 'replace' : 'push'),
    onTransform: (transform: (typeof transforms)[number]) =>
      change({ transforms: [...transforms, transform], zoom: undefined, selected: undefined }),
    onSandwich: (key: { name: string; file: string }) => change({ tab: 'sandwich' as const, of: key }),
  };
  return (
    <>
      <div class="toolbar slim">
        <TransformChips tree={tree} taken={taken} />
        {comparison.layout === 'both' && <Legend />}
      </div>
      {comparison.layout === 'both' ? (
        <FlameGraph
          {...common}
          tree={tree}
          colors={comparison.safeColours ? 'difference-safe' : 'difference'}
          label="Difference of A and B. The table shows the same in figures."
        />
      ) : (
        <div class="sides">
          {(['a', 'b'] as const).map((side) => (
            <section key={side} class="half" aria-label={side.toUpperCase()}>
              <h2>
                <span class={`side side-${side}`}>{side.toUpperCase()}</span>
                {names[side]}
              </h2>
              <FlameGraph
                {...common}
                tree={trees[side]}
                colors={view.value.colour}
                label={`Stacks of ${side.toUpperCase()}`}
              />
            </section>
          ))}
        </div>
      )}
    </>
  );
}

const CHANGES = [
  ['more', 'more in B'],
  ['less', 'less in B'],
  ['only-a', 'only in A'],
  ['only-b', 'only in B'],
] as const;

function Legend(): JSX.Element {
  const { comparison } = view.value;
  const { safeColours } = comparison;
  return (
    <>
      <ul class="legend" aria-label="Colours">
        {CHANGES.map(([kind, text]) => (
          <li key={kind}>
            <span style={{ background: changeColor(theme.value, kind, 1, safeColours) }} />
            {text}
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="button"
        aria-pressed={safeColours}
        title="Colours that do not need red to be told from green"
        onClick={() => change({ comparison: { ...comparison, safeColours: !safeColours } })}
      >
        Colour-blind safe
      </button>
    </>
  );
}
