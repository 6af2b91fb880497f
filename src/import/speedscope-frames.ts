import type { FrameInput, ProfileBuilder } from '../inspector/builder';
import { isObject } from './json';
import { IMPORT_LIMITS } from './limits';
import { fileOfName } from './no-file';
import { NotImportable, shown } from './not-importable';

/** The table of frames that all profiles of a file share. */
export class SpeedscopeFrames {
  private readonly frames: FrameInput[];

  constructor(frames: unknown[]) {
    this.frames = frames.map((frame, index) => {
      if (!isObject(frame) || typeof frame.name !== 'string')
        throw new NotImportable(`frame ${index} of shared.frames has no name`);
      const { name, file, line } = frame;
      return {
        name: name === '' ? '(anonymous)' : name,
        file: typeof file === 'string' && file !== '' ? file : fileOfName(name),
        startLine: 0,
        line:
          Number.isInteger(line) && (line as number) > 0 && (line as number) < 2 ** 31 ? (line as number) : 0,
      };
    });
  }

  /** A frame's place in the table, for what names one. `where` says who, for the message where there is none. */
  placeOf(value: unknown, where: string): number {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < this.frames.length)
      return value as number;
    throw new NotImportable(
      `${where} names frame ${shown(value)}, and shared.frames has ${this.frames.length}`,
    );
  }

  nameOf(place: number): string {
    return this.frames[place]?.name ?? '';
  }

  /** Ids of locations, leaf first. */
  locate(builder: ProfileBuilder, stack: readonly number[]): number[] {
    const ids: number[] = [];
    for (let index = stack.length - 1; index >= 0; index--)
      ids.push(builder.location(this.frames[stack[index] as number] as FrameInput));
    return ids;
  }
}

/** Throws NotImportable for a stack that the store would not keep. */
export function checkDepth(depth: number, where: string): void {
  if (depth > IMPORT_LIMITS.depth)
    throw new NotImportable(`${where} has more than ${IMPORT_LIMITS.depth.toLocaleString('en')} frames`);
}

/** Adds up the frames of stacks. Throws NotImportable beyond the limit. */
export class FrameCount {
  private frames = 0;

  add(count: number): void {
    this.frames += count;
    if (this.frames > IMPORT_LIMITS.frames)
      throw new NotImportable(
        `its stacks have more than ${IMPORT_LIMITS.frames.toLocaleString('en')} frames together`,
      );
  }
}
