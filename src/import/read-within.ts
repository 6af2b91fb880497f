import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { NotImportable } from './not-importable';

const MIB = 1024 * 1024;

/**
 * The bytes of a file, and when it was written. Of a pipe or a device nobody knows beforehand how many it has. Throws NotImportable for
 * more than `most`, and the system's error.
 */
export function readWithin(path: string, most: number): { data: Buffer; modified: number } {
  const descriptor = openSync(path, 'r');
  try {
    const { size, mtimeMs: modified } = fstatSync(descriptor);
    const pieces: Buffer[] = [];
    for (let bytes = 0; ; ) {
      if (Math.max(bytes, size) > most) throw new NotImportable(`it has more than ${most / MIB} MiB`);
      // A file is read in one piece, and one more that finds its end.
      const piece = Buffer.allocUnsafe(Math.max(size - bytes, MIB));
      const count = readSync(descriptor, piece);
      if (count === 0) return { data: Buffer.concat(pieces), modified };
      pieces.push(piece.subarray(0, count));
      bytes += count;
    }
  } finally {
    closeSync(descriptor);
  }
}
