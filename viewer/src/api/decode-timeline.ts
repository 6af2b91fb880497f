import {
  AnswerError,
  asRecord,
  checkIndexes,
  checkParents,
  numberColumn,
  numberOf,
  readContainer,
  readFrames,
  textOf,
  wholeColumn,
} from './container.js';
import type { Lane, TimelineData } from './timeline.js';
import { NO_FRAME } from './tree.js';

/**
 * Decodes the answer of `/timeline`.
 * @throws {AnswerError} for bytes that are no timeline
 */
export function decodeTimeline(bytes: ArrayBuffer): TimelineData {
  const container = readContainer(bytes, 'EFL1');
  const { heading } = container;
  const frames = readFrames(heading);
  const lanes = lanesOf(heading.lanes);
  const labels = labelsOf(heading.labels);
  const parent = wholeColumn(container, 'parent');
  checkParents(parent);
  const frame = wholeColumn(container, 'frame', parent.length);
  if (frame[0] !== NO_FRAME) throw new AnswerError('its root has a frame');
  checkIndexes(frame.subarray(1), 'frame', frames.name.length);
  const lane = wholeColumn(container, 'lane');
  checkIndexes(lane, 'lane', lanes.length);
  const node = wholeColumn(container, 'node', lane.length);
  checkIndexes(node, 'node', parent.length);
  const label = wholeColumn(container, 'label', lane.length);
  checkIndexes(label, 'label', labels.length);
  return {
    unit: textOf(heading, 'unit'),
    from: numberOf(heading, 'from'),
    to: numberOf(heading, 'to'),
    omitted: numberOf(heading, 'omitted'),
    lanes,
    frames,
    labels,
    parent,
    frame,
    lane,
    node,
    end: numberColumn(container, 'end', lane.length),
    wall: numberColumn(container, 'wall', lane.length),
    cpu: numberColumn(container, 'cpu', lane.length),
    label,
  };
}

function lanesOf(value: unknown): Lane[] {
  if (!Array.isArray(value)) throw new AnswerError('the list of lanes is missing');
  return value.map((item) => {
    const lane = asRecord(item, 'a lane');
    // An id may be a number: it is shown, not reckoned with.
    const id = (key: string) => String(lane[key] ?? '');
    return {
      name: textOf(lane, 'name'),
      kind: textOf(lane, 'kind'),
      threadId: id('threadId'),
      runtimeId: id('runtimeId'),
    };
  });
}

function labelsOf(value: unknown): Map<string, string>[] {
  if (!Array.isArray(value)) throw new AnswerError('the list of labels is missing');
  return value.map(
    (item) =>
      new Map(Object.entries(asRecord(item, 'a set of labels')).map(([key, text]) => [key, String(text)])),
  );
}
