import { Fragment, type JSX } from 'preact';
import type { Table, TableRow } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { formatExact, formatShare, formatValue } from '../format/value.js';
import { ShareBar } from '../parts/share-bar.js';
import { Answer, Notice } from '../parts/status.js';
import { type Condition, printCondition, valueOfRow, withCondition } from '../state/conditions.js';
import { change, view } from '../state/page.js';
import { service } from '../state/services.js';
import { useSelected } from '../state/use-selected.js';
import { EXCEPTIONS } from '../state/value-types.js';
import { RowStacks } from './row-stacks.js';

const TYPE = 'exception type';
const MESSAGE = 'exception message';
const VALUE = EXCEPTIONS[0];
/** More than anybody reads: a message may hold a number that is new each time. */
const MOST_ROWS = 500;

const askTable = (question: string, signal: AbortSignal) => askJson<Table>(question, signal);
const condition = (key: string, name: string): Condition => ({ key, value: valueOfRow(name), not: false });
const shownName = (name: string, none: string) => (valueOfRow(name) === '' ? none : name);

/** Exceptions by type, those of one by message, and where they came from. */
export function ExceptionsView(): JSX.Element {
  const hasAny = service.value?.types.some(({ name }) => name === VALUE);
  if (!hasAny)
    return (
      <Notice title="There are no profiles of exceptions">
        <p>This service sends none. ddtrace for Python does, by its exception profiler.</p>
      </Notice>
    );
  return <Exceptions />;
}

function Exceptions(): JSX.Element {
  const answered = useSelected('table', { by: TYPE, limit: MOST_ROWS }, askTable, (shown) => ({
    ...shown,
    type: VALUE,
  }));
  const [type, message] = view.value.row;
  return (
    <Answer answered={answered} isEmpty={({ rows }) => rows.length === 0}>
      {(table) => (
        <div class="beside">
          <div class="beside-table wide">
            <Types table={table} />
          </div>
          {type === undefined ? (
            <Notice title="Choose a type of exception">
              <p>The stacks that it was seen in are shown here.</p>
            </Notice>
          ) : (
            <RowStacks
              name={shownName(message ?? type, message === undefined ? '(no type)' : '(no message)')}
              type={VALUE}
              conditions={[
                condition(TYPE, type),
                ...(message === undefined ? [] : [condition(MESSAGE, message)]),
              ]}
            />
          )}
        </div>
      )}
    </Answer>
  );
}

function Types({ table }: { table: Table }): JSX.Element {
  const { unit, total } = table;
  const [type] = view.value.row;
  const rows = table.rows.toSorted((a, b) => b.total - a.total);
  return (
    <div class="plain-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Exception</th>
            <th scope="col" class="figure">
              Count
            </th>
            <th scope="col" class="figure">
              Share
            </th>
            <th scope="col">
              <span class="hidden">Share as a bar</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Fragment key={row.name}>
              <Row row={row} table={table} names={[row.name]} none="(no type)" />
              {row.name === type && <Messages type={type} />}
            </Fragment>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">All</th>
            <td class="figure" data-sum title={formatExact(total, unit)}>
              {formatValue(total, unit)}
            </td>
            <td colSpan={2} />
          </tr>
        </tfoot>
      </table>
      {table.more > 0 && <p class="muted">{table.more} more, with less each.</p>}
    </div>
  );
}

/** The messages of a type, where profiles have them. */
function Messages({ type }: { type: string }): JSX.Element | null {
  const { answer, error } = useSelected('table', { by: MESSAGE, limit: MOST_ROWS }, askTable, (shown) => ({
    ...shown,
    type: VALUE,
    where: withCondition(shown.where, printCondition(condition(TYPE, type))),
  }));
  if (error)
    return (
      <tr>
        <td class="bad" colSpan={4}>
          {error.message}
        </td>
      </tr>
    );
  if (!answer || answer.rows.every(({ name }) => valueOfRow(name) === '')) return null;
  return (
    <>
      {answer.rows.map((row) => (
        <Row key={row.name} row={row} table={answer} names={[type, row.name]} none="(no message)" />
      ))}
      {answer.more > 0 && (
        <tr class="row-within">
          <th scope="row" colSpan={4} class="muted">
            {answer.more} more messages, with less each
          </th>
        </tr>
      )}
    </>
  );
}

interface RowProps {
  row: TableRow;
  table: Table;
  /** What stands in the address: the type, and the message of one within. */
  names: readonly string[];
  none: string;
}

function Row({ row, table: { unit, total }, names, none }: RowProps): JSX.Element {
  const isWithin = names.length > 1;
  const isChosen =
    names.length === view.value.row.length && names.every((name, at) => name === view.value.row[at]);
  return (
    <tr class={`${isChosen ? 'chosen' : ''} ${isWithin ? 'row-within' : ''}`}>
      <th scope="row">
        <button
          type="button"
          class="link"
          title={row.name}
          aria-pressed={isChosen}
          onClick={() => change({ row: isChosen ? names.slice(0, -1) : names })}
        >
          {shownName(row.name, none)}
        </button>
      </th>
      <td class="figure" title={formatExact(row.total, unit)}>
        {formatValue(row.total, unit)}
      </td>
      <td class="figure">{formatShare(row.total, total)}</td>
      <td class="wide">
        <ShareBar part={row.total} whole={total} />
      </td>
    </tr>
  );
}
