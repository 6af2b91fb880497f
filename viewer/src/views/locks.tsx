import type { JSX } from 'preact';
import type { Table } from '../api/answers.js';
import { askJson } from '../api/client.js';
import { selectionQuery } from '../api/selection.js';
import { typeName } from '../format/names.js';
import { formatExact, formatValue } from '../format/value.js';
import { Segments } from '../parts/segments.js';
import { Answer, Notice } from '../parts/status.js';
import { valueOfRow } from '../state/conditions.js';
import { change, view } from '../state/page.js';
import { selection, service, subject } from '../state/services.js';
import { useAnswer } from '../state/use-answer.js';
import { average, joinLocks, LOCK_TYPES, type LockFigure, type LockRow } from '../tree/locks.js';
import { RowStacks } from './row-stacks.js';

const LOCK = 'lock name';
const MOST_ROWS = 1000;
const FIGURES: readonly LockFigure[] = ['wait', 'hold', 'acquires', 'releases'];

type Tables = Partial<Record<LockFigure, Table>>;

/** Asks for each table in turn of its question; the figure stands before it, a line each. */
async function askTables(questions: string, signal: AbortSignal): Promise<Tables> {
  const tables = questions.split('\n').map(async (line) => {
    const [figure, question = ''] = line.split(' ', 2);
    return [figure, await askJson<Table>(question, signal)] as const;
  });
  return Object.fromEntries(await Promise.all(tables)) as Tables;
}

/** Locks by name, with how often they were taken, how long waited for and held, and where. */
export function LocksView(): JSX.Element | null {
  const shown = selection.value;
  const types = service.value?.types.map(({ name }) => name) ?? [];
  const figures = FIGURES.filter((figure) => types.includes(LOCK_TYPES[figure]));
  const questionOf = (figure: LockFigure) =>
    shown &&
    `${figure} table?${selectionQuery({ ...shown, type: LOCK_TYPES[figure] }, { by: LOCK, limit: MOST_ROWS })}`;
  const question = figures.length > 0 ? figures.map(questionOf).join('\n') : undefined;
  const answered = useAnswer(shown && question, `locks ${subject.value} ${figures}`, askTables);
  if (figures.length === 0)
    return (
      <Notice title="There are no profiles of locks">
        <p>This service sends none. ddtrace for Python does, by its lock profiler.</p>
      </Notice>
    );
  return (
    <Answer
      answered={answered}
      isEmpty={(tables) => Object.values(tables).every(({ rows }) => rows.length === 0)}
    >
      {(tables) => <Locks tables={tables} figures={figures} />}
    </Answer>
  );
}

function Locks({ tables, figures }: { tables: Tables; figures: readonly LockFigure[] }): JSX.Element {
  const { row, type } = view.value;
  const rows = joinLocks(tables);
  const [name] = row;
  const figure = figures.find((one) => LOCK_TYPES[one] === type) ?? (figures[0] as LockFigure);
  const more = Math.max(...Object.values(tables).map((table) => table.more));
  return (
    <div class="beside">
      <div class="beside-table wide">
        <div class="plain-table">
          <table>
            <thead>
              <tr>
                <th scope="col">Lock</th>
                {['Acquired', 'Waited', 'Average', 'Released', 'Held', 'Average'].map((text, index) => (
                  <th key={index} scope="col" class="figure">
                    {text}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <Row key={one.name} row={one} isChosen={one.name === name} />
              ))}
            </tbody>
          </table>
          {more > 0 && <p class="muted">{more} more, with less each.</p>}
        </div>
      </div>
      {name === undefined ? (
        <Notice title="Choose a lock">
          <p>The stacks that took it, or gave it back, are shown here.</p>
        </Notice>
      ) : (
        <div class="source-file">
          <div class="toolbar">
            <Segments
              label="Stacks by"
              value={LOCK_TYPES[figure]}
              options={figures.map((one) => ({ value: LOCK_TYPES[one], text: typeName(LOCK_TYPES[one]) }))}
              onChange={(chosen) => change({ type: chosen })}
            />
          </div>
          <RowStacks
            name={nameOf(name)}
            type={LOCK_TYPES[figure]}
            conditions={[{ key: LOCK, value: valueOfRow(name), not: false }]}
          />
        </div>
      )}
    </div>
  );
}

const nameOf = (name: string) => (valueOfRow(name) === '' ? '(no name)' : name);

function Row({ row, isChosen }: { row: LockRow; isChosen: boolean }): JSX.Element {
  const { name, acquires, wait, releases, hold } = row;
  const figure = (value: number | undefined, unit: string) => (
    <td class="figure" title={value === undefined ? 'not in these profiles' : formatExact(value, unit)}>
      {value === undefined ? '–' : formatValue(value, unit)}
    </td>
  );
  return (
    <tr class={isChosen ? 'chosen' : undefined}>
      <th scope="row">
        <button
          type="button"
          class="link"
          title={name}
          aria-pressed={isChosen}
          onClick={() => change({ row: isChosen ? [] : [name] })}
        >
          {nameOf(name)}
        </button>
      </th>
      {figure(acquires, 'count')}
      {figure(wait, 'nanoseconds')}
      {figure(average(wait, acquires), 'nanoseconds')}
      {figure(releases, 'count')}
      {figure(hold, 'nanoseconds')}
      {figure(average(hold, releases), 'nanoseconds')}
    </tr>
  );
}
