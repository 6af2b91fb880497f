/** Writes what docs/api.md calls a tree or a timeline: heading, then columns at multiples of 8. */
export function writeContainer(
  magic: string,
  heading: Record<string, unknown>,
  columns: readonly [name: string, values: readonly number[], type: 'u32' | 'f64'][],
): Buffer {
  const bytesOf = (type: string) => (type === 'u32' ? 4 : 8);
  const describe = (start: number) => {
    let offset = start;
    return columns.map(([name, values, type]) => {
      const column = { name, type, offset, length: values.length };
      offset += roundUp(values.length * bytesOf(type));
      return column;
    });
  };
  // Offsets stand in the heading, whose length depends on their digits: with room for the largest it no longer does.
  const text = (start: number) => JSON.stringify({ ...heading, columns: describe(start) });
  const headingBytes = roundUp(Buffer.byteLength(text(0)) + columns.length * 10);
  const described = describe(8 + headingBytes);
  const last = described.at(-1);
  const size = last ? roundUp(last.offset + last.length * bytesOf(last.type)) : 8 + headingBytes;
  const bytes = Buffer.alloc(size);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(headingBytes, 4);
  bytes.fill(' ', 8, 8 + headingBytes);
  bytes.write(text(8 + headingBytes), 8);
  columns.forEach(([, values, type], index) => {
    const { offset } = described[index] as { offset: number };
    values.forEach((value, at) => {
      if (type === 'u32') bytes.writeUInt32LE(value, offset + at * 4);
      else bytes.writeDoubleLE(value, offset + at * 8);
    });
  });
  return bytes;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
