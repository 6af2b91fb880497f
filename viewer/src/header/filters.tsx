import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Labels } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { typeName } from '../format/names.js';
import { formatRate } from '../format/rate.js';
import { formatRange } from '../format/time.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { Combobox } from '../parts/combobox.js';
import { Icon } from '../parts/icons.js';
import { isLevel } from '../series/levels.js';
import { inverted, parseCondition, printCondition, withCondition } from '../state/conditions.js';
import { change, shownSeconds, view } from '../state/page.js';
import { suggest } from '../state/suggest.js';
import { useSelected } from '../state/use-selected.js';
import type { Span } from '../state/view.js';

const askLabels = (question: string, signal: AbortSignal) => askJson<Labels>(question, signal);

/** Which samples count: a chip for each condition, a field for the next, and what the samples found amount to. */
export function Filters(): JSX.Element {
  const { where, brush } = view.value;
  const field = useRef<HTMLInputElement>(null);
  const { answer } = useSelected('labels', {}, askLabels);
  const take = (text: string) => {
    const condition = parseCondition(text.trim());
    // A key alone is gone on with. One that nothing has can still be asked for by an empty value.
    if (condition === undefined || (condition.value === '' && !text.endsWith(': '))) return text;
    change({ where: withCondition(where, printCondition({ ...condition, value: condition.value.trim() })) });
    return '';
  };
  return (
    <section class="filters" aria-label="Filters">
      <Icon name="filter" />
      {where.map((text) => (
        <Chip key={text} text={text} />
      ))}
      {brush && <BrushChip brush={brush} />}
      <Combobox
        label="Filter by a tag or label"
        placeholder={where.length === 0 ? 'Filter by a tag or label, as version:1.4.0' : 'Add a filter'}
        field={field}
        suggest={(text) => suggest(text, answer?.keys ?? [])}
        note={({ total }) => (total === undefined ? '' : formatShare(total, answer?.total ?? 0))}
        onTake={take}
        onErase={() => change({ where: where.slice(0, -1) })}
      />
      {answer && <Sum labels={answer} />}
    </section>
  );
}

function Chip({ text }: { text: string }): JSX.Element | null {
  const condition = parseCondition(text);
  if (!condition) return null;
  const { where } = view.value;
  const named = `${condition.key} ${condition.not ? 'is not' : 'is'} ${condition.value || '(none)'}`;
  return (
    <span class="chip">
      <button
        type="button"
        title="Turn round"
        aria-label={`${named}: turn round`}
        onClick={() => change({ where: where.map((other) => (other === text ? inverted(text) : other)) })}
      >
        <span class="muted">{condition.key}</span> {condition.not ? '≠' : '='} {condition.value || '(none)'}
      </button>
      <button
        type="button"
        class="remove"
        aria-label={`${named}: remove`}
        onClick={() => change({ where: where.filter((other) => other !== text) })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

function BrushChip({ brush: { from, to } }: { brush: Span }): JSX.Element {
  return (
    <span class="chip">
      <span class="chip-text">{formatRange(from, to, Date.now())}</span>
      <button
        type="button"
        class="remove"
        aria-label="Brushed range: remove"
        onClick={() => change({ brush: undefined })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

function Sum({ labels: { type, unit, total } }: { labels: Labels }): JSX.Element {
  return (
    <output class="sum" aria-label="Sum of what is shown">
      <span class="muted">{typeName(type)}</span>{' '}
      <strong data-total title={formatExact(total, unit)}>
        {formatValue(total, unit)}
      </strong>{' '}
      {isLevel(type) ? (
        <span class="muted">added up over all profiles</span>
      ) : (
        <span class="muted">{formatRate(total, unit, type, shownSeconds.value)}</span>
      )}
    </output>
  );
}
