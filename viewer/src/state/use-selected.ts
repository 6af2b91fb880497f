import type { Table } from '../api/answers.js';
import { askBytes, askJson } from '../api/client.js';
import { decodeTree } from '../api/decode-tree.js';
import { type Selection, selectionQuery } from '../api/selection.js';
import type { Tree } from '../api/tree.js';
import { view } from './page.js';
import { selection, subject } from './services.js';
import { type Answered, useAnswer } from './use-answer.js';

type More = Readonly<Record<string, string | number | undefined>>;

/**
 * Asks about the selection that the page shows, or about that of `changed`.
 * @param more further parameters of the path
 */
export function useSelected<Answer>(
  path: string,
  more: More,
  ask: (question: string, signal: AbortSignal) => Promise<Answer>,
  changed: (shown: Selection) => Selection = (shown) => shown,
): Answered<Answer> {
  const shown = selection.value;
  const question = shown && `${path}?${selectionQuery(changed(shown), more)}`;
  const about = shown && selectionQuery({ ...changed(shown), from: 0, to: 0 }, more);
  return useAnswer(question, `${path} ${subject.value} ${about}`, ask);
}

/** The merged tree of the selection, in frames of the size chosen. */
export function useTree(): Answered<Tree> {
  return useSelected('tree', { frames: view.value.frames }, askTree);
}

/** Rows of a table are asked for up to this many: more than anybody reads, few enough to sort at each key. */
const MOST_ROWS = 10_000;

/** The table of the selection by what a frame is, or by a tag or label. */
export function useTable(by: string): Answered<Table> {
  return useSelected('table', { by, limit: MOST_ROWS }, askTable);
}

const askTree = async (question: string, signal: AbortSignal) => decodeTree(await askBytes(question, signal));
const askTable = (question: string, signal: AbortSignal) => askJson<Table>(question, signal);
