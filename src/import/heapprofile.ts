import { ProfileBuilder } from '../inspector/builder';
import { frameOf, startLine } from '../inspector/v8-frame';
import { type FileFacts, startOf } from './file-time';
import { isNumber, isObject, type JsonObject } from './json';
import { IMPORT_LIMITS } from './limits';
import { NotImportable, shown } from './not-importable';
import { type Part, packed } from './pieces';
import { threadOfFile } from './thread-of-file';
import { readCallFrame } from './v8-call-frame';
import { WholeNumbers } from './whole-numbers';

/** A node that is to be read. */
interface Visit {
  node: JsonObject;
  /** Ids of the callers, the nearest first. */
  callers: number[];
}

/**
 * V8's `.heapprofile` (Chrome DevTools Protocol, HeapProfiler.SamplingHeapProfile): what was allocated and still lives, in bytes that V8
 * has scaled by its interval. It tells no time: it is of the moment at which it was written.
 */
export function importHeapProfile({ head }: JsonObject, file: FileFacts): Part[] {
  const builder = new ProfileBuilder([['inuse_space', 'bytes']]);
  const labels = [['thread name', threadOfFile(file.name)]] as const;
  const bytes = new WholeNumbers('bytes');
  const open: Visit[] = [{ node: head as JsonObject, callers: [] }];
  let frames = 0;
  for (let visit = open.pop(); visit; visit = open.pop()) {
    const { node, callers } = visit;
    const { id, callFrame, selfSize, children = [] } = node;
    const where = `node ${shown(id)}`;
    const frame = readCallFrame(callFrame, where);
    if (!isNumber(selfSize) || selfSize < 0)
      throw new NotImportable(`${where} has ${shown(selfSize)} bytes of its own`);
    if (!Array.isArray(children)) throw new NotImportable(`the children of ${where} are no list`);
    const isRoot = frame.functionName === '(root)' && callers.length === 0;
    const own = isRoot ? [] : [builder.location(frameOf(frame, startLine(frame))), ...callers];
    const size = bytes.next(selfSize);
    // What lives without a caller stands under the root's own name.
    if (size > 0) {
      builder.add(isRoot ? [builder.location(frameOf(frame, 0))] : own, [size], labels);
      frames += own.length;
    }
    check(own.length, frames, where);
    for (const child of children) {
      if (!isObject(child)) throw new NotImportable(`a child of ${where} is no node`);
      open.push({ node: child, callers: own });
    }
  }
  if (builder.sampleCount === 0) throw new NotImportable('nothing that was allocated is in it');
  return [{ name: 'space.pprof', data: packed(builder, startOf(file.modified, 0, 0), 0, 0) }];
}

function check(depth: number, frames: number, where: string): void {
  if (depth > IMPORT_LIMITS.depth)
    throw new NotImportable(
      `the stack of ${where} has more than ${IMPORT_LIMITS.depth.toLocaleString('en')} frames`,
    );
  if (frames > IMPORT_LIMITS.frames)
    throw new NotImportable(
      `its stacks have more than ${IMPORT_LIMITS.frames.toLocaleString('en')} frames together`,
    );
}
