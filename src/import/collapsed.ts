import { type FrameInput, ProfileBuilder } from '../inspector/builder';
import { type FileFacts, startOf } from './file-time';
import { IMPORT_LIMITS } from './limits';
import { fileOfName } from './no-file';
import { NotImportable, shown } from './not-importable';
import { type Part, packed } from './pieces';
import { WholeNumbers } from './whole-numbers';

/** The stack, and behind white space the number that ends the line. */
const LINE = /^(.*\S)\s+(-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|-?inf(?:inity)?)$/i;
/** `name (file:line)` and `name file:line`, as profilers write where a function is. */
const PLACES = [
  /^(.+?) \(([^()]+?):(\d{1,9})(?::\d+)?\)$/,
  /^(.+?) \(?((?:\/|\.\/|[A-Za-z]:\\|node:|file:|https?:)[^():]*(?:\.\w+)?|[^\s():]+\.[cm]?[jt]sx?):(\d{1,9})(?::\d+)?\)?$/,
];

/**
 * Collapsed stacks, a line each: frames from the outermost on with semicolons between, then how often it was seen
 * (https://www.brendangregg.com/FlameGraphs/cpuflamegraphs.html, "Fold stacks"). A name may have spaces in it.
 */
export function importCollapsed(text: string, file: FileFacts): Part[] {
  const builder = new ProfileBuilder([['sample', 'count']]);
  const whole = new WholeNumbers('samples');
  const frames = new Map<string, FrameInput>();
  let [number, ids, lines, differences] = [0, 0, 0, 0];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end).trim();
    from = end < 0 ? text.length : end + 1;
    number += 1;
    if (line === '' || line.startsWith('#')) continue;
    const { stack, value } = readLine(line, number);
    const names = stack.split(';');
    ids += names.length;
    check(names.length, ids, number);
    lines += 1;
    if (LINE.test(stack)) differences += 1;
    const count = whole.next(value);
    if (count === 0) continue;
    const locations = names.map((name) => builder.location(frameOf(frames, name)));
    builder.add(locations.reverse(), [count], []);
  }
  if (lines > 1 && differences === lines)
    throw new NotImportable(
      'each line has two numbers at its end, which is the difference of two profiles: give each of them by itself',
    );
  if (builder.sampleCount === 0)
    throw new NotImportable(
      lines === 0 ? 'it has no line with a stack' : 'its values add up to less than one',
    );
  return [{ name: 'sample.pprof', data: packed(builder, startOf(file.modified, 0, 0), 0, 0) }];
}

function readLine(line: string, number: number): { stack: string; value: number } {
  const [, stack, digits = ''] = LINE.exec(line) ?? [];
  if (stack === undefined) throw new NotImportable(`line ${number} has no stack and number: ${shown(line)}`);
  const value = Number(digits);
  if (!Number.isFinite(value) || value < 0)
    throw new NotImportable(`line ${number} has the value ${digits.slice(0, 30)}`);
  return { stack, value };
}

function check(depth: number, ids: number, number: number): void {
  if (depth > IMPORT_LIMITS.depth)
    throw new NotImportable(
      `the stack of line ${number} has more than ${IMPORT_LIMITS.depth.toLocaleString('en')} frames`,
    );
  if (ids > IMPORT_LIMITS.frames)
    throw new NotImportable(
      `its stacks have more than ${IMPORT_LIMITS.frames.toLocaleString('en')} frames together`,
    );
}

function frameOf(known: Map<string, FrameInput>, text: string): FrameInput {
  let frame = known.get(text);
  if (!frame) {
    frame = readFrame(text.trim());
    known.set(text, frame);
  }
  return frame;
}

function readFrame(text: string): FrameInput {
  for (const form of PLACES) {
    const [, name, file, line] = form.exec(text) ?? [];
    if (name !== undefined && file !== undefined) return { name, file, startLine: 0, line: Number(line) };
  }
  return { name: text === '' ? '(anonymous)' : text, file: fileOfName(text), startLine: 0, line: 0 };
}
