import type { JSX } from 'preact';
import type { LabelKey, Labels, Table, TableRow } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { packageSearch } from '../format/search-text.js';
import { formatShare } from '../format/value.js';
import { Answer, Notice } from '../parts/status.js';
import { parseCondition, printCondition, toggled, valueOfRow } from '../state/conditions.js';
import { byUse } from '../state/key-order.js';
import { change, view } from '../state/page.js';
import { useSelected, useTable } from '../state/use-selected.js';
import { KeyTable } from './key-table.js';

const ENDPOINT = 'trace endpoint';

const askLabels = (question: string, signal: AbortSignal) => askJson<Labels>(question, signal);

interface ByKeyProps {
  of: string;
  what: string;
  /** How a row without a value is called. */
  none: string;
  /** What is said where no sample has a value; else the table says that. */
  nowhere?: JSX.Element;
}

/** A table by a tag or label, whose rows filter everything. */
function ByKey({ of, what, none, nowhere }: ByKeyProps): JSX.Element {
  const answered = useTable(of);
  const { where } = view.value;
  const conditionOf = ({ name }: TableRow) =>
    printCondition({ key: of, value: valueOfRow(name), not: false });
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) =>
        nowhere && isNowhere(table, of) ? (
          nowhere
        ) : (
          <KeyTable
            table={table}
            what={what}
            none={none}
            isChosen={(row) => where.includes(conditionOf(row))}
            action="Show only this, or all again"
            onChoose={(row) => change({ where: toggled(where, conditionOf(row)) })}
          />
        )
      }
    </Answer>
  );
}

export function ThreadsView(): JSX.Element {
  return <ByKey of="thread name" what="Thread" none="(no thread name)" />;
}

export function EndpointsView(): JSX.Element {
  return (
    <ByKey
      of={ENDPOINT}
      what="Endpoint"
      none="(outside of requests)"
      nowhere={
        <Notice title="No sample tells its endpoint">
          <p>
            It is the label <code>{ENDPOINT}</code> of samples, which Datadog's tracers set in the requests
            that they trace.
          </p>
        </Notice>
      }
    />
  );
}

/** Whether no sample has a value, though none is left out for having one. */
function isNowhere({ rows }: Table, key: string): boolean {
  const isFiltered = view.value.where.some((condition) => parseCondition(condition)?.key === key);
  return !isFiltered && rows.every(({ name }) => valueOfRow(name) === '');
}

/** The table by npm package; a row leads to the graph, as a package is no label that could be filtered by. */
export function PackagesView(): JSX.Element {
  const answered = useTable('package');
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) => (
        <KeyTable
          table={table}
          what="Package"
          none="(unknown)"
          withSelf
          isChosen={() => false}
          action="Find it in the flame graph"
          onChoose={({ name }) =>
            change({ tab: 'flame', colour: 'package', frames: 'function', search: packageSearch(name) })
          }
        />
      )}
    </Answer>
  );
}

/** The table by any tag or label. */
export function LabelsView(): JSX.Element {
  const answered = useSelected('labels', {}, askLabels);
  return (
    <Answer answered={answered} isEmpty={({ keys }) => keys.length === 0}>
      {(labels) => {
        const keys = byUse(labels.keys);
        const by = (keys.find(({ key }) => key === view.value.by) ?? (keys[0] as LabelKey)).key;
        return (
          <>
            <div class="toolbar">
              <label class="choice">
                <span class="muted">By</span>
                <select value={by} onChange={({ currentTarget }) => change({ by: currentTarget.value })}>
                  <Keys keys={keys} isTag title="Tags of a process" />
                  <Keys keys={keys} isTag={false} title="Labels of samples" />
                </select>
              </label>
              <span class="muted">{covered(labels, by)}</span>
            </div>
            <ByKey of={by} what={by} none="(none)" />
          </>
        );
      }}
    </Answer>
  );
}

function Keys({
  keys,
  isTag,
  title,
}: {
  keys: readonly LabelKey[];
  isTag: boolean;
  title: string;
}): JSX.Element | null {
  const own = keys.filter((key) => key.isTag === isTag);
  if (own.length === 0) return null;
  return (
    <optgroup label={title}>
      {own.map(({ key }) => (
        <option key={key} value={key}>
          {key}
        </option>
      ))}
    </optgroup>
  );
}

function covered({ keys, total }: Labels, by: string): string {
  const key = keys.find((one) => one.key === by);
  if (!key || key.more > 0) return '';
  const sum = key.values.filter(({ value }) => value !== '').reduce((all, value) => all + value.total, 0);
  return `${formatShare(sum, total)} has this ${key.isTag ? 'tag' : 'label'}`;
}
