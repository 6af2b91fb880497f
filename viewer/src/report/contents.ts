import type { Profiles, Series, Service } from '../api/answers.js';
import {
  AnswerError,
  asRecord,
  checkIndexes,
  checkParents,
  numberColumn,
  readContainer,
  readFrames,
  wholeColumn,
} from '../api/container.js';
import type { Frames } from '../api/tree.js';
import type { Span } from '../state/view.js';

/** Profiles that were found of one type. */
export interface Found {
  from: number;
  to: number;
  seconds: number;
}

/** A process whose tags are known, or all that nothing tells apart. */
export interface Group {
  tags: ReadonlyMap<string, string>;
  /** For each type. */
  found: Found[];
}

/** What a report holds: see docs/page.md. */
export interface Contents {
  made: number;
  by: string;
  isStripped: boolean;
  range: Span;
  /** Conditions that held when it was made. */
  where: string[];
  service: Service;
  groups: Group[];
  labels: ReadonlyMap<string, string>[];
  /** With the line that was executing. */
  frames: Frames;
  /** For each frame: the line where its function starts. */
  start: number[];
  /** For each type. */
  series: Series[];
  profiles: Profiles;
  /** Tree of all stacks, as in {@link Tree}. */
  parent: Uint32Array;
  frame: Uint32Array;
  /** Rows: where a stack ends, its labels, its process and a value for each type. */
  rowNode: Uint32Array;
  rowLabel: Uint32Array;
  rowGroup: Uint32Array;
  values: Float64Array[];
}

/**
 * Reads the samples of a report.
 * @throws {AnswerError} for bytes that are none
 */
export function readContents(bytes: ArrayBuffer): Contents {
  const container = readContainer(bytes, 'EFR1');
  const { heading } = container;
  if (heading.version !== 1) throw new AnswerError(`it is of version ${heading.version}`);
  // Whoever can write a file of this form can write any page: what is in the heading is not looked at further.
  const head = heading as unknown as Contents & {
    groups: { tags: Record<string, string>; found: Found[] }[];
    labels: [string, string][][];
  };
  const frames = readFrames(heading);
  const parent = wholeColumn(container, 'up').map((up, node) => node - up);
  checkParents(parent);
  const frame = wholeColumn(container, 'frame', parent.length);
  checkIndexes(frame.subarray(1), 'frame', frames.name.length);
  const rowNode = runningSums(wholeColumn(container, 'rowStep'));
  checkIndexes(rowNode, 'rowStep', parent.length);
  const rowLabel = wholeColumn(container, 'rowLabel', rowNode.length);
  checkIndexes(rowLabel, 'rowLabel', head.labels.length);
  const rowGroup = wholeColumn(container, 'rowGroup', rowNode.length);
  checkIndexes(rowGroup, 'rowGroup', head.groups.length);
  return {
    ...head,
    groups: head.groups.map(({ tags, found }) => ({ tags: new Map(Object.entries(tags)), found })),
    labels: head.labels.map((pairs) => new Map(pairs)),
    frames,
    start: asRecord(heading.frames, 'the list of frames').start as number[],
    parent,
    frame,
    rowNode,
    rowLabel,
    rowGroup,
    values: head.service.types.map((_type, index) =>
      numberColumn(container, `value${index}`, rowNode.length),
    ),
  };
}

/** Steps may lead back: they are reckoned in 32 bits, as they were written. */
function runningSums(steps: Uint32Array): Uint32Array {
  let sum = 0;
  return steps.map((step) => {
    sum = (sum + step) >>> 0;
    return sum;
  });
}
