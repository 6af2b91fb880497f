import { type Frames, readContainer } from './container';

/** One frame, as a function. */
export interface Frame {
  name: string;
  /** The function's name alone: clients of Pyroscope put file and line into the name as well. */
  called: string;
  file: string;
  line: number;
  /** As in docs/api.md: `app`, `package`, `node`, `native`, `gc` or `group`. */
  kind: string;
  package: string;
}

/** What is asked of a frame. It is asked once a frame, however many stacks have it. */
export type Test = (frame: Frame) => boolean;

interface Heading {
  frames: Frames;
}

/** Merged stacks: node 0 is the root, and each node comes behind the one that called it. */
export class Stacks {
  constructor(
    readonly frames: readonly Frame[],
    readonly parent: Uint32Array,
    /** Index into `frames`; of the root it is none. */
    readonly frame: Uint32Array,
    /** What ends at a node. */
    readonly own: Float64Array,
    /** The same with all below. */
    readonly totals: Float64Array,
  ) {}

  /** Reads an answer of `/tree`. */
  static read(bytes: Buffer): Stacks {
    const { heading, whole, numbers } = readContainer<Heading>(bytes);
    return new Stacks(
      framesOf(heading.frames),
      whole('parent'),
      whole('frame'),
      numbers('self'),
      numbers('total'),
    );
  }

  get total(): number {
    return this.totals[0] ?? 0;
  }

  /** 1 for each frame that passes. */
  passing(test: Test): Uint8Array {
    return Uint8Array.from(this.frames, (frame) => Number(test(frame)));
  }
}

export function framesOf(columns: Frames): Frame[] {
  return columns.name.map((name, index) => ({
    name,
    called: calledOf(name),
    file: columns.file[index] as string,
    line: columns.line[index] as number,
    kind: columns.kind[index] as string,
    package: columns.package[index] as string,
  }));
}

/** `readFileSync` of `node:fs:readFileSync:455`; a name that is not of this form stays. A pattern may look like one. */
export function calledOf(name: string): string {
  if (name.startsWith('RegExp: ')) return name;
  return /:(\(anonymous:L#\d+:C#\d+\)|[^:]+):\d+$/.exec(name)?.[1] ?? name;
}
