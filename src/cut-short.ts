import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** As much as the headers take: linkers leave a binary's about ten program headers behind its own. */
const HEAD_BYTES = 4096;

/**
 * Throws where a file ends before the segments of its program headers do (elf(5)). dlopen(3) does not ask: it maps the file,
 * and to touch what is not there ends the process with SIGBUS (mmap(2)). Everything else it refuses in its own words.
 */
export function assertWhole(path: string): void {
  const length = lengthOf(path);
  if (length && length.size < length.needed) {
    throw new Error(`${path} is cut short: it has ${length.size} of at least ${length.needed} bytes`);
  }
}

/** Undefined where it is no library for 64 bits, little-endian, or cannot be read. */
function lengthOf(path: string): { size: number; needed: number } | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(file, head);
    if (head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
    const entry = head.readUInt16LE(54);
    // A library of another size of headers is refused.
    if (entry !== 56) return undefined;
    const first = Number(head.readBigUInt64LE(32));
    // What is not behind the header is at the end of the file, as patchelf leaves it.
    let needed = first + entry * head.readUInt16LE(56);
    for (let at = first, end = Math.min(needed, HEAD_BYTES); at + entry <= end; at += entry) {
      // p_offset and p_filesz.
      needed = Math.max(needed, Number(head.readBigUInt64LE(at + 8) + head.readBigUInt64LE(at + 32)));
    }
    return { size: fstatSync(file).size, needed };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
