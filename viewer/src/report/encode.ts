import type { Tree } from '../api/tree.js';

const PREFIX_BYTES = 8;
const aligned = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** Writes a container of docs/api.md, so that answers of a report are read and checked as those of a collector are. */
export function encodeContainer(
  magic: string,
  heading: object,
  columns: readonly [name: string, values: Uint32Array | Float64Array][],
): ArrayBuffer {
  // Room for any offset: spaces fill it up.
  const room = aligned(PREFIX_BYTES + textOf(heading, columns, Number.MAX_SAFE_INTEGER).length);
  const text = textOf(heading, columns, room);
  const end = columns.reduce((offset, [, { byteLength }]) => offset + aligned(byteLength), room);
  const bytes = new Uint8Array(end);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(4, room - PREFIX_BYTES, true);
  bytes.fill(0x20, PREFIX_BYTES, room).set(text, PREFIX_BYTES);
  let offset = room;
  for (const [, values] of columns) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += aligned(values.byteLength);
  }
  return bytes.buffer;
}

function textOf(
  heading: object,
  columns: readonly [name: string, values: Uint32Array | Float64Array][],
  start: number,
): Uint8Array {
  let offset = start;
  const list = columns.map(([name, values]) => {
    const own = offset;
    if (start !== Number.MAX_SAFE_INTEGER) offset += aligned(values.byteLength);
    return { name, type: values instanceof Uint32Array ? 'u32' : 'f64', offset: own, length: values.length };
  });
  return new TextEncoder().encode(JSON.stringify({ ...heading, columns: list }));
}

/** Writes a tree as `/tree` and `/diff` answer it. */
export function encodeTree(tree: Tree): ArrayBuffer {
  const { parent, frame, selfValues, totalValues, selfValuesB, totalValuesB, ...heading } = tree;
  return encodeContainer('EFT1', { ...heading, nodes: parent.length, damaged: 0 }, [
    ['parent', parent],
    ['frame', frame],
    ['self', selfValues],
    ['total', totalValues],
    ...(selfValuesB && totalValuesB
      ? ([
          ['selfB', selfValuesB],
          ['totalB', totalValuesB],
        ] as [string, Float64Array][])
      : []),
  ]);
}
