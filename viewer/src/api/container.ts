import type { FrameKind, Frames } from './tree.js';

/** An answer of the collector that is not what docs/api.md says. */
export class AnswerError extends Error {
  override name = 'AnswerError';

  constructor(what: string) {
    super(
      `The collector's answer cannot be read: ${what}. Reload the page; if it stays so, update everflame.`,
    );
  }
}

/** Columns of one binary answer, with the JSON that stands before them. */
export interface Container {
  heading: Record<string, unknown>;
  columns: Map<string, Uint32Array | Float64Array>;
  /** Bytes up to the end of the last column, filled up to a multiple of 8: where another answer may begin. */
  length: number;
}

const ALIGNMENT = 8;
const PREFIX_BYTES = 8;
const KINDS: ReadonlySet<string> = new Set<FrameKind>(['app', 'package', 'node', 'native', 'gc', 'group']);

/**
 * Splits a binary answer into its heading and its columns, which are views of `bytes` and no copies.
 * @param magic the four letters that the answer begins with
 * @throws {AnswerError} when a length or an offset leads beyond the bytes
 */
export function readContainer(bytes: ArrayBuffer, magic: string): Container {
  if (bytes.byteLength < PREFIX_BYTES) throw new AnswerError('it is too short');
  const view = new DataView(bytes);
  const found = String.fromCharCode(...new Uint8Array(bytes, 0, 4));
  if (found !== magic) throw new AnswerError(`it does not begin with ${magic}`);
  const headingBytes = view.getUint32(4, true);
  const bodyStart = PREFIX_BYTES + headingBytes;
  if (headingBytes % ALIGNMENT !== 0)
    throw new AnswerError('its heading has no length that is a multiple of 8');
  if (bodyStart > bytes.byteLength) throw new AnswerError('its heading is cut off');
  const heading = parseHeading(new Uint8Array(bytes, PREFIX_BYTES, headingBytes));
  if (!Array.isArray(heading.columns)) throw new AnswerError('its heading names no columns');
  const columns: Container['columns'] = new Map();
  let length = bodyStart;
  for (const described of heading.columns) {
    const { name, type, offset, length: count } = asRecord(described, 'a column');
    if (typeof name !== 'string') throw new AnswerError('a column has no name');
    const Column = type === 'u32' ? Uint32Array : type === 'f64' ? Float64Array : undefined;
    if (Column === undefined) throw new AnswerError(`column ${name} is neither u32 nor f64`);
    if (!isCount(offset) || !isCount(count) || offset % ALIGNMENT !== 0 || offset < bodyStart)
      throw new AnswerError(`column ${name} has no right place`);
    const end = offset + count * Column.BYTES_PER_ELEMENT;
    if (end > bytes.byteLength) throw new AnswerError(`column ${name} is cut off`);
    if (columns.has(name)) throw new AnswerError(`column ${name} is there twice`);
    columns.set(name, new Column(bytes, offset, count));
    length = Math.max(length, Math.ceil(end / ALIGNMENT) * ALIGNMENT);
  }
  return { heading, columns, length };
}

function parseHeading(text: Uint8Array): Record<string, unknown> {
  let heading: unknown;
  try {
    heading = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    throw new AnswerError('its heading is no JSON');
  }
  return asRecord(heading, 'the heading');
}

/** A column of whole numbers, of the length that is wanted if one is. */
export function wholeColumn({ columns }: Container, name: string, length?: number): Uint32Array {
  const column = columns.get(name);
  if (!(column instanceof Uint32Array)) throw new AnswerError(`column ${name} is missing`);
  return checkLength(column, name, length);
}

/** A column of numbers, each of them finite. */
export function numberColumn({ columns }: Container, name: string, length?: number): Float64Array {
  const column = columns.get(name);
  if (!(column instanceof Float64Array)) throw new AnswerError(`column ${name} is missing`);
  for (const value of column)
    if (!Number.isFinite(value)) throw new AnswerError(`column ${name} has a value that is no number`);
  return checkLength(column, name, length);
}

function checkLength<Column extends Uint32Array | Float64Array>(
  column: Column,
  name: string,
  length?: number,
): Column {
  if (length !== undefined && column.length !== length)
    throw new AnswerError(`column ${name} has ${column.length} values in place of ${length}`);
  return column;
}

/** Indexes that each lead into a list of `length`. */
export function checkIndexes(column: Uint32Array, name: string, length: number): void {
  for (const index of column)
    if (index >= length) throw new AnswerError(`column ${name} leads beyond its list`);
}

/** Parents that each come before their node; only the root is its own. */
export function checkParents(parent: Uint32Array): void {
  if (parent.length === 0 || parent[0] !== 0) throw new AnswerError('its tree has no root');
  for (let node = 1; node < parent.length; node++)
    if ((parent[node] as number) >= node) throw new AnswerError('a node comes before its parent');
}

/** The frames of a heading, all columns of one length. */
export function readFrames(heading: Record<string, unknown>): Frames {
  const { name, file, line, kind, package: packages } = asRecord(heading.frames, 'the list of frames');
  const frames = {
    name: listOf(name, isText, 'names'),
    file: listOf(file, isText, 'files'),
    line: listOf(line, isCount, 'lines'),
    kind: listOf(kind, isKind, 'kinds'),
    package: listOf(packages, isText, 'packages'),
  };
  for (const list of Object.values(frames))
    if (list.length !== frames.name.length) throw new AnswerError('its frames have lists of several lengths');
  return frames;
}

/** A text of the heading. */
export function textOf(heading: Record<string, unknown>, key: string): string {
  const text = heading[key];
  if (typeof text !== 'string') throw new AnswerError(`${key} is missing`);
  return text;
}

/** A finite number of the heading. */
export function numberOf(heading: Record<string, unknown>, key: string): number {
  const number = heading[key];
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new AnswerError(`${key} is missing`);
  return number;
}

/** Checks that something is an object that is no list. */
export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AnswerError(`${what} is missing`);
  return value as Record<string, unknown>;
}

/** Checks a list and everything in it. */
function listOf<Item>(value: unknown, isItem: (item: unknown) => item is Item, what: string): Item[] {
  if (!Array.isArray(value) || !value.every(isItem)) throw new AnswerError(`the list of ${what} is missing`);
  return value;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isKind(value: unknown): value is FrameKind {
  return typeof value === 'string' && KINDS.has(value);
}
