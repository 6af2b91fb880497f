import type { FrameInput, ProfileBuilder } from '../inspector/builder';
import { frameOf, startLine } from '../inspector/v8-frame';
import { isNumber, isObject, type JsonObject } from './json';
import { IMPORT_LIMITS } from './limits';
import { NotImportable, shown } from './not-importable';
import { readCallFrame } from './v8-call-frame';

const NO_NODE = -1;

/** The nodes of a CPU profile: a tree of callers, which the file tells by numbers. */
export class CpuNodes {
  private readonly places = new Map<number, number>();
  /** Each with the line where it begins. */
  private readonly frames: FrameInput[] = [];
  /** Places of the callers. */
  private readonly callers: Int32Array;
  /** Lines (from 1) of each node as a leaf, and how many of its samples are left for each. */
  private readonly ticks: { line: number; ticks: number }[][] = [];
  private readonly hits: number[] = [];
  private builder: ProfileBuilder | undefined;
  /** Ids of locations of the callers of each node in that builder, and of each node as a caller: 0 for one that is not there yet. */
  private readonly stacks = new Map<number, number[]>();
  private locations = new Int32Array(0);
  private framesInStacks = 0;

  /** Throws NotImportable where the nodes are no tree. */
  constructor(nodes: unknown[]) {
    if (nodes.length === 0) throw new NotImportable('it has no nodes');
    this.callers = new Int32Array(nodes.length).fill(NO_NODE);
    nodes.forEach((node, place) => {
      this.read(node, place);
    });
    nodes.forEach((node, place) => {
      this.connect(node as JsonObject, place);
    });
    this.checkDepths();
  }

  get count(): number {
    return this.frames.length;
  }

  /** The place of a node by its number; undefined where there is none. */
  placeOf(id: unknown): number | undefined {
    return this.places.get(id as number);
  }

  isIdle(place: number): boolean {
    return this.frames[place]?.name === '(idle)';
  }

  /** How often it was seen as a leaf, as V8 has counted. */
  hitsOf(place: number): number {
    return this.hits[place] ?? 0;
  }

  /** The line of the next sample of a leaf; see {@link takeLine}. */
  nextLine(place: number): number {
    return this.ticks[place]?.[0]?.line ?? (this.frames[place] as FrameInput).startLine;
  }

  /**
   * Goes on to the line of the sample after that. V8 counts lines for each leaf and not for each sample, so the counted ones are dealt
   * out one by one: their sums are exact.
   */
  takeLine(place: number): void {
    const left = this.ticks[place];
    const tick = left?.[0];
    if (!tick) return;
    tick.ticks -= 1;
    if (tick.ticks === 0) left?.shift();
  }

  /** Ids of locations, leaf first. A caller's line is where its function starts: V8 keeps no other. */
  stack(builder: ProfileBuilder, place: number, line: number): number[] {
    const frame = this.frames[place] as FrameInput;
    const leaf = builder.location(line === frame.line ? frame : { ...frame, line });
    return [leaf, ...this.callersOf(builder, this.callers[place] as number)];
  }

  private callersOf(builder: ProfileBuilder, place: number): number[] {
    if (this.builder !== builder) {
      this.builder = builder;
      this.stacks.clear();
      this.locations = new Int32Array(this.count);
    }
    const known = this.stacks.get(place);
    if (known) return known;
    const ids: number[] = [];
    for (let at = place; at !== NO_NODE; at = this.callers[at] as number) {
      const frame = this.frames[at] as FrameInput;
      if (frame.name === '(root)') continue;
      this.locations[at] ||= builder.location(frame);
      ids.push(this.locations[at] as number);
    }
    this.framesInStacks += ids.length;
    if (this.framesInStacks > IMPORT_LIMITS.frames)
      throw new NotImportable(
        `its stacks have more than ${IMPORT_LIMITS.frames.toLocaleString('en')} frames together`,
      );
    this.stacks.set(place, ids);
    return ids;
  }

  private read(node: unknown, place: number): void {
    if (!isObject(node)) throw new NotImportable(`node ${place + 1} of ${this.callers.length} is no object`);
    const { id, callFrame, hitCount, positionTicks } = node;
    if (!isNumber(id)) throw new NotImportable(`node ${place + 1} has the number ${shown(id)}`);
    if (this.places.has(id)) throw new NotImportable(`it has two nodes of the number ${id}`);
    this.places.set(id, place);
    const frame = readCallFrame(callFrame, `node ${id}`);
    this.frames.push(frameOf(frame, startLine(frame)));
    this.hits.push(isNumber(hitCount) && hitCount > 0 ? Math.round(hitCount) : 0);
    this.ticks.push(Array.isArray(positionTicks) ? positionTicks.flatMap(readTick) : []);
  }

  private connect({ id, children = [], parent }: JsonObject, place: number): void {
    if (!Array.isArray(children)) throw new NotImportable(`the children of node ${shown(id)} are no list`);
    for (const child of children) {
      const at = this.placeOf(child);
      if (at === undefined)
        throw new NotImportable(`node ${shown(id)} calls node ${shown(child)}, which is not there`);
      this.setCaller(at, place, child);
    }
    // What comes out of traces tells the tree by callers.
    if (parent === undefined) return;
    const at = this.placeOf(parent);
    if (at === undefined)
      throw new NotImportable(`node ${shown(id)} is called by node ${shown(parent)}, which is not there`);
    this.setCaller(place, at, id);
  }

  private setCaller(callee: number, caller: number, id: unknown): void {
    const before = this.callers[callee] as number;
    if (before !== NO_NODE && before !== caller)
      throw new NotImportable(`node ${shown(id)} is called by two nodes`);
    this.callers[callee] = caller;
  }

  /** Throws NotImportable for nodes that call each other in a circle, and for stacks that are too deep. */
  private checkDepths(): void {
    const depths = new Int32Array(this.count);
    for (let place = 0; place < this.count; place++) {
      const path: number[] = [];
      let at = place;
      while (at !== NO_NODE && depths[at] === 0) {
        // Seen, and on the way: whoever meets it again has gone in a circle.
        depths[at] = -1;
        path.push(at);
        at = this.callers[at] as number;
      }
      let depth = at === NO_NODE ? 0 : (depths[at] as number);
      if (depth < 0)
        throw new NotImportable(`its nodes call each other in a circle, at node ${this.idOf(at)}`);
      for (let index = path.length - 1; index >= 0; index--) depths[path[index] as number] = ++depth;
      if (depth > IMPORT_LIMITS.depth)
        throw new NotImportable(
          `the stack of node ${this.idOf(place)} has more than ${IMPORT_LIMITS.depth.toLocaleString('en')} frames`,
        );
    }
  }

  private idOf(place: number): number | undefined {
    return [...this.places.keys()][place];
  }
}

function readTick(value: unknown): { line: number; ticks: number }[] {
  if (!isObject(value)) return [];
  const { line, ticks } = value;
  const isCount = (number: unknown): number is number =>
    Number.isSafeInteger(number) && (number as number) > 0;
  return isCount(line) && line < 2 ** 31 && isCount(ticks) ? [{ line, ticks }] : [];
}
