import { classify } from '../profile/classify';
import type { PprofProfile } from '../upload/pprof/model';
import type { Columns } from './container';
import type { Stripping } from './strip';

/** Frames as columns; see docs/page.md, "What a report holds". */
export interface SampleFrames {
  name: string[];
  file: string[];
  /** Where the function starts; 0 where it is not known. */
  start: number[];
  /** What was executing, else where the function starts. */
  line: number[];
  kind: string[];
  package: string[];
}

/** More than a profile has: a node and a frame make one whole number. */
const MOST_FRAMES = 2 ** 26;

/** `frame` of the root of stacks. */
const NO_FRAME = 0xffffffff;

/** Stacks as a tree, and sums for each stack, set of labels and process. */
export class Samples {
  readonly frames: SampleFrames = { name: [], file: [], start: [], line: [], kind: [], package: [] };
  /** Keys and values. */
  readonly labels: [key: string, value: string][][] = [];
  private readonly parents: number[] = [0];
  private readonly frameOfNode: number[] = [NO_FRAME];
  /** By the node above and the frame. */
  private readonly nodes = new Map<number, number>();
  private readonly frameIds = new Map<string, number>();
  private readonly labelIds = new Map<string, number>();
  private readonly rows = new Map<string, Row>();

  /** `types` are the names of the values to keep, in their order. */
  constructor(
    private readonly types: readonly string[],
    private readonly stripping: Stripping,
  ) {}

  /** Adds the samples of a process, or of several that nothing tells apart. */
  add(profile: PprofProfile, group: number): void {
    const columns = this.types.map((name) => profile.types.findIndex(({ type }) => type === name));
    const frames = profile.locations.map((_location, place) => this.framesOf(profile, place));
    const labels = profile.labelSets.map((set) =>
      this.label(set.map((label) => [label.key, 'text' in label ? label.text : String(label.number)])),
    );
    const nodes = profile.stacks.map((stack) => this.node(placesOf(stack), frames));
    for (const sample of profile.samples) {
      const values = columns.map((column) => Number(sample.values[column] ?? 0));
      if (values.every((value) => value === 0)) continue;
      const node = nodes[sample.stack] as number;
      const label = labels[sample.labels] as number;
      const key = `${node} ${label} ${group}`;
      const known = this.rows.get(key);
      if (known) known.values = known.values.map((value, index) => value + (values[index] as number));
      else this.rows.set(key, { node, label, group, values });
    }
  }

  /** What every value adds up to. */
  totals(): number[] {
    return this.types.map((_type, index) =>
      [...this.rows.values()].reduce((sum, { values }) => sum + (values[index] as number), 0),
    );
  }

  /** Each row with its stack, frames from the root on. */
  *stacks(): Generator<{ frames: number[]; values: readonly number[] }> {
    for (const { node, values } of this.rows.values()) {
      const frames: number[] = [];
      for (let at = node; at !== 0; at = this.parents[at] as number)
        frames.push(this.frameOfNode[at] as number);
      yield { frames: frames.reverse(), values };
    }
  }

  /**
   * The tree, each node with how far above it its parent is, and the rows, each with how far on its node is, in an order in which
   * neighbours are alike: small numbers, of which gzip makes a fifth of what it makes of large ones.
   */
  columns(): Columns {
    const rows = [...this.rows.values()].sort(
      (a, b) => a.group - b.group || a.label - b.label || a.node - b.node,
    );
    return new Map<string, Uint32Array | Float64Array>([
      ['up', Uint32Array.from(this.parents, (parent, node) => node - parent)],
      ['frame', Uint32Array.from(this.frameOfNode)],
      ['rowStep', Uint32Array.from(rows, ({ node }, row) => node - (rows[row - 1]?.node ?? 0))],
      ['rowLabel', Uint32Array.from(rows, ({ label }) => label)],
      ['rowGroup', Uint32Array.from(rows, ({ group }) => group)],
      ...this.types.map((_type, index): [string, Float64Array] => [
        `value${index}`,
        Float64Array.from(rows, ({ values }) => values[index] as number),
      ]),
    ]);
  }

  /** The node of a stack, whose places of locations and whose frames have the innermost first. */
  private node(places: readonly number[], frames: readonly number[][]): number {
    let node = 0;
    for (let at = places.length - 1; at >= 0; at--) {
      const inlined = frames[places[at] as number] ?? [];
      for (let inner = inlined.length - 1; inner >= 0; inner--)
        node = this.below(node, inlined[inner] as number);
    }
    return node;
  }

  private below(parent: number, frame: number): number {
    const key = parent * MOST_FRAMES + frame;
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node = this.parents.push(parent) - 1;
    this.frameOfNode.push(frame);
    this.nodes.set(key, node);
    return node;
  }

  private label(pairs: [string, string][]): number {
    const shown = pairs.map(([key, value]): [string, string] => [key, this.stripping.value(key, value)]);
    const key = JSON.stringify(shown);
    let id = this.labelIds.get(key);
    if (id === undefined) {
      id = this.labels.push(shown) - 1;
      this.labelIds.set(key, id);
    }
    return id;
  }

  /** The innermost first, as in a stack. */
  private framesOf({ locations, functions, mappings }: PprofProfile, place: number): number[] {
    const location = locations[place];
    const module = location?.mapping === undefined ? '' : (mappings[location.mapping]?.file ?? '');
    return (location?.lines ?? []).map(({ function: index, line }) => {
      const { name = '', file = '', startLine = 0 } = functions[index] ?? {};
      return this.frame(name, file, module, startLine, line || startLine);
    });
  }

  private frame(name: string, file: string, module: string, start: number, line: number): number {
    const { kind, package: from } = classify(name, file, module);
    const shown = this.stripping.file(file === '' ? module : file);
    const key = JSON.stringify([name, shown, start, line, kind, from]);
    const known = this.frameIds.get(key);
    if (known !== undefined) return known;
    const { frames } = this;
    const id = frames.name.push(name) - 1;
    frames.file.push(shown);
    frames.start.push(start);
    frames.line.push(line);
    frames.kind.push(kind);
    frames.package.push(from);
    this.frameIds.set(key, id);
    return id;
  }
}

interface Row {
  node: number;
  label: number;
  group: number;
  values: number[];
}

/** Places of locations, leaf first: varints, each the place plus one. */
function placesOf(stack: Uint8Array): number[] {
  const places: number[] = [];
  let value = 0;
  let shift = 1;
  for (const byte of stack) {
    value += (byte & 0x7f) * shift;
    shift *= 0x80;
    if (byte < 0x80) {
      places.push(value - 1);
      value = 0;
      shift = 1;
    }
  }
  return places;
}
