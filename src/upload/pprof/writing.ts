import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Value } from './model';

const LARGEST_UINT32 = 0xffff_ffff;

/** Writes an int64. Most are small numbers, for which the writer's own way makes two objects. */
export function writeInt64(writer: BinaryWriter, value: Value): void {
  if (typeof value === 'number' && value >= 0 && value <= LARGEST_UINT32) writer.uint32(value);
  else writer.int64(value);
}

/** Writes a field that is a number and may be left out where it is zero. */
export function writeNumber(writer: BinaryWriter, tag: number, value: Value): void {
  if (value !== 0) writeInt64(writer.uint32(tag), value);
}

/** Writes a field that is a number without a sign, such as an address, and may be left out where it is zero. */
export function writeUnsigned(writer: BinaryWriter, tag: number, value: Value): void {
  if (value !== 0) writer.uint32(tag).uint64(value);
}
