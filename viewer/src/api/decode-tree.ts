import {
  AnswerError,
  asRecord,
  type Container,
  checkIndexes,
  checkParents,
  numberColumn,
  numberOf,
  readContainer,
  readFrames,
  textOf,
  wholeColumn,
} from './container.js';
import { NO_FRAME, type Requests, type Tree } from './tree.js';

const MAGIC = 'EFT1';

/**
 * Decodes the answer of `/tree` or `/diff`.
 * @throws {AnswerError} for bytes that are no such tree
 */
export function decodeTree(bytes: ArrayBuffer): Tree {
  return treeOf(readContainer(bytes, MAGIC));
}

/**
 * Decodes the answer of `/sandwich`: two trees, the second where the first ends.
 * @throws {AnswerError} for bytes that are no such trees
 */
export function decodeSandwich(bytes: ArrayBuffer): { callers: Tree; callees: Tree } {
  const callers = readContainer(bytes, MAGIC);
  const callees = readContainer(bytes.slice(callers.length), MAGIC);
  return { callers: treeOf(callers), callees: treeOf(callees) };
}

function requestsOf(heading: Record<string, unknown>, key: string): Requests {
  const told = asRecord(heading[key], key);
  return 'count' in told ? { count: numberOf(told, 'count') } : { reason: textOf(told, 'reason') };
}

function treeOf(container: Container): Tree {
  const { heading } = container;
  const parent = wholeColumn(container, 'parent');
  checkParents(parent);
  const nodes = parent.length;
  const frames = readFrames(heading);
  const frame = wholeColumn(container, 'frame', nodes);
  if (frame[0] !== NO_FRAME) throw new AnswerError('its root has a frame');
  checkIndexes(frame.subarray(1), 'frame', frames.name.length);
  const tree: Tree = {
    type: textOf(heading, 'type'),
    unit: textOf(heading, 'unit'),
    total: numberOf(heading, 'total'),
    seconds: numberOf(heading, 'seconds'),
    from: numberOf(heading, 'from'),
    to: numberOf(heading, 'to'),
    omitted: numberOf(heading, 'omitted'),
    frames,
    parent,
    frame,
    selfValues: numberColumn(container, 'self', nodes),
    totalValues: numberColumn(container, 'total', nodes),
  };
  if (container.columns.has('selfB')) {
    tree.selfValuesB = numberColumn(container, 'selfB', nodes);
    tree.totalValuesB = numberColumn(container, 'totalB', nodes);
    if ('requests' in heading)
      tree.requests = { a: requestsOf(heading, 'requests'), b: requestsOf(heading, 'requestsB') };
  }
  return tree;
}
