import { writeContainer } from './binary.js';
import type { GivenFrame } from './samples.js';
import { type Chosen, keyOf, type Selected, sum } from './selection.js';

const NO_FRAME = 0xffffffff;
/** Of profiles whose client has counted nothing. */
const NO_COUNTS = { reason: 'its profiles came without counts of requests' };

/** How a tree names its frames. */
export function frameFor(frame: GivenFrame, size: string): GivenFrame {
  if (size === 'package') return { ...frame, name: frame.package, file: '', line: 0 };
  if (size === 'file') return { ...frame, name: frame.file || frame.package, line: 0 };
  return size === 'line' ? frame : { ...frame, line: 0 };
}

/** Frames of a heading, each once. */
export class FrameList {
  readonly #indexes = new Map<string, number>();
  readonly columns = {
    name: [] as string[],
    file: [] as string[],
    line: [] as number[],
    kind: [] as string[],
    package: [] as string[],
  };

  indexOf(frame: GivenFrame): number {
    const key = JSON.stringify(frame);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.#indexes.size;
      this.#indexes.set(key, index);
      this.columns.name.push(frame.name);
      this.columns.file.push(frame.file);
      this.columns.line.push(frame.line);
      this.columns.kind.push(frame.kind);
      this.columns.package.push(frame.package);
    }
    return index;
  }
}

/** A tree in the making, with values of two selections. */
export class TreeColumns {
  readonly frames = new FrameList();
  readonly parent = [0];
  readonly frame = [NO_FRAME];
  readonly self = [0];
  readonly total = [0];
  readonly selfB = [0];
  readonly totalB = [0];
  readonly #children = new Map<string, number>();

  add(stack: readonly GivenFrame[], value: number, isB = false): number {
    const total = isB ? this.totalB : this.total;
    const self = isB ? this.selfB : this.self;
    let node = 0;
    total[0] = (total[0] as number) + value;
    for (const frame of stack) {
      node = this.#child(node, this.frames.indexOf(frame));
      total[node] = (total[node] as number) + value;
    }
    self[node] = (self[node] as number) + value;
    return node;
  }

  #child(parent: number, frame: number): number {
    const key = `${parent} ${frame}`;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const node = this.parent.length;
    this.#children.set(key, node);
    this.parent.push(parent);
    this.frame.push(frame);
    for (const column of [this.self, this.total, this.selfB, this.totalB]) column.push(0);
    return node;
  }

  write(selected: Selected, withB = false): Buffer {
    const { type, unit, profiles } = selected;
    const heading = {
      type,
      unit,
      total: this.total[0],
      from: Math.min(...profiles.map(({ from }) => from), selected.to),
      to: Math.max(...profiles.map(({ to }) => to), selected.from),
      seconds: profiles.reduce((seconds, { from, to }) => seconds + (to - from) / 1000, 0),
      nodes: this.parent.length,
      omitted: 0,
      frames: this.frames.columns,
      ...(withB ? { requests: NO_COUNTS, requestsB: NO_COUNTS } : {}),
    };
    return writeContainer('EFT1', heading, [
      ['parent', this.parent, 'u32'],
      ['frame', this.frame, 'u32'],
      ['self', this.self, 'f64'],
      ['total', this.total, 'f64'],
      ...(withB
        ? ([
            ['selfB', this.selfB, 'f64'],
            ['totalB', this.totalB, 'f64'],
          ] as ['selfB' | 'totalB', number[], 'f64'][])
        : []),
    ]);
  }
}

function stackOf({ sample }: Chosen, size: string): GivenFrame[] {
  const stack = sample.stack.map((frame) => frameFor(frame, size));
  // What is coarser than a function has the same frame many times in a row: it is one.
  return size === 'file' || size === 'package'
    ? stack.filter((frame, index) => JSON.stringify(frame) !== JSON.stringify(stack[index - 1]))
    : stack;
}

/** The answer of `/tree`. */
export function treeAnswer(selected: Selected, size: string, by: string | null): Buffer {
  const tree = new TreeColumns();
  for (const chosen of selected.chosen) {
    const group =
      by === null
        ? []
        : [{ name: keyOf(chosen, by), file: '', line: 0, kind: 'group' as const, package: '' }];
    tree.add([...group, ...stackOf(chosen, size)], chosen.value);
  }
  return tree.write(selected);
}

/** The answer of `/diff`. */
export function diffAnswer(a: Selected, b: Selected, size: string): Buffer {
  const tree = new TreeColumns();
  for (const chosen of a.chosen) tree.add(stackOf(chosen, size), chosen.value);
  for (const chosen of b.chosen) tree.add(stackOf(chosen, size), chosen.value, true);
  return tree.write(a, true);
}

/** The answer of `/sandwich`. */
export function sandwichAnswer(selected: Selected, name: string, file: string): Buffer {
  const callers = new TreeColumns();
  const callees = new TreeColumns();
  for (const chosen of selected.chosen) {
    const stack = stackOf(chosen, 'function');
    const isIt = (frame: GivenFrame) => frame.name === name && frame.file === file;
    const first = stack.findIndex(isIt);
    if (first < 0) continue;
    callers.add(stack.slice(0, first + 1).reverse(), chosen.value);
    callees.add(stack.slice(first), chosen.value);
  }
  return Buffer.concat([callers.write(selected), callees.write(selected)]);
}

/** The answer of `/table`. */
export function tableAnswer(selected: Selected, by: string, limit: number): unknown {
  const rows = new Map<string, GivenFrame & { self: number; total: number }>();
  const isFrame = ['function', 'line', 'file', 'package'].includes(by);
  for (const chosen of selected.chosen) {
    const stack = isFrame
      ? chosen.sample.stack.map((frame) => frameFor(frame, by))
      : [{ name: keyOf(chosen, by), file: '', line: 0, kind: 'group' as const, package: '' }];
    const keys = stack.map((frame) => (by === 'package' ? frame.name : JSON.stringify(frame)));
    keys.forEach((key, index) => {
      const row = rows.get(key) ?? { ...(stack[index] as GivenFrame), self: 0, total: 0 };
      rows.set(key, row);
      if (keys.indexOf(key) === index) row.total += chosen.value;
      if (index === keys.length - 1) row.self += chosen.value;
    });
  }
  const sorted = [...rows.values()].sort((a, b) => b.self - a.self);
  return {
    type: selected.type,
    unit: selected.unit,
    total: sum(selected.chosen),
    rows: sorted.slice(0, limit),
    more: Math.max(0, sorted.length - limit),
  };
}

/** The answer of `/lines`. */
export function linesAnswer({ type, unit, chosen }: Selected, file: string): unknown {
  const lines = new Map<number, { line: number; self: number; total: number }>();
  for (const { sample, value } of chosen) {
    const own = sample.stack.map((frame) => (frame.file === file ? frame.line : undefined));
    own.forEach((line, index) => {
      if (line === undefined) return;
      const row = lines.get(line) ?? { line, self: 0, total: 0 };
      lines.set(line, row);
      if (own.indexOf(line) === index) row.total += value;
      if (index === own.length - 1) row.self += value;
    });
  }
  return { type, unit, total: sum(chosen), lines: [...lines.values()].sort((a, b) => a.line - b.line) };
}
