import { closeSync, openSync, readSync } from 'node:fs';

/** `e_machine` of an ELF file (elf(5)) by the name of the architecture in Node.js. */
export const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** Size of the header of an ELF file for 64 bits, the longer of the two. */
export const HEADER_BYTES = 64;

/** What the header of an ELF file says. */
export interface ElfHeader {
  /** `e_machine`. */
  machine: number;
  /** Whether the kernel would look further: it is a program or library with program headers of the right size. */
  loadable: boolean;
}

/** The first bytes of a file, fewer where it is shorter. Throws the system's error where it cannot be read. */
export function readHead(path: string, length: number): Buffer {
  const head = Buffer.alloc(length);
  const descriptor = openSync(path, 'r');
  try {
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the header at the start of a file; undefined where the file is not ELF. */
export function elfHeader(head: Buffer): ElfHeader | undefined {
  if (head.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const bytes = Buffer.alloc(HEADER_BYTES);
  head.copy(bytes);
  // EI_DATA: 2 is big-endian.
  const half = (offset: number): number =>
    bytes[5] === 2 ? bytes.readUInt16BE(offset) : bytes.readUInt16LE(offset);
  // EI_CLASS: 1 is 32 bits, 2 is 64 bits; where e_phentsize stands, and what it must be (load_elf_phdrs in Linux).
  const entry = bytes[4] === 2 ? { at: 54, size: 56 } : { at: 42, size: 32 };
  const type = half(16);
  const isProgram = type === 2 || type === 3;
  return { machine: half(18), loadable: isProgram && half(entry.at) === entry.size };
}
