import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elfHeader, MACHINES, readHead } from '../elf';
import { findProgram } from './find-program';

/** As many bytes as the kernel looks at (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
/** What the kernel runs beside the programs of its own architecture, by `e_machine`: those for 32 bits. */
const COMPATIBLE: Readonly<Record<string, number>> = { x64: 3, arm64: 40 };
/** Where Linux lists the handlers for files of other kinds (Documentation/admin-guide/binfmt-misc.rst). */
const HANDLERS = '/proc/sys/fs/binfmt_misc';

/**
 * Why a file with execute permission cannot be run, as a sentence without its subject; undefined where nothing speaks
 * against it. The C library hands whatever the kernel refuses to a shell, which would read a program of another
 * processor as a script.
 */
export function whyNotAProgram(word: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const path = findProgram(word);
  if (path === undefined) return undefined;
  let head: Buffer;
  try {
    head = readHead(path, HEAD_BYTES);
  } catch {
    // A file may be executable and not readable: then it is for the kernel to say.
    return undefined;
  }
  const reason = refusal(head);
  return reason !== undefined && !hasHandler(path, head) ? reason : undefined;
}

function refusal(head: Buffer): string | undefined {
  const header = elfHeader(head);
  if (header) {
    const own = [MACHINES[process.arch], COMPATIBLE[process.arch]];
    // An architecture that is not in the table: the kernel knows better.
    if (own[0] === undefined) return undefined;
    if (!header.loadable) return 'it is damaged, or no program. Copy or build it again.';
    if (own.includes(header.machine)) return undefined;
    const other = Object.keys(MACHINES).find((name) => MACHINES[name] === header.machine);
    return `it is for another kind of processor${other ? ` (${other})` : ''}. Use the one for ${process.arch}.`;
  }
  if (head.toString('latin1', 0, 2) === '#!') return undefined;
  // What shells go by (POSIX, sh, "Command search and execution"): a script has no NUL in its first line.
  const firstLine = head.subarray(0, head.includes('\n') ? head.indexOf('\n') : head.length);
  return firstLine.includes(0) ? 'it is neither a program of this system nor a script.' : undefined;
}

/** Whether the kernel has a handler for such files, such as an emulator of another processor. */
function hasHandler(path: string, head: Buffer): boolean {
  try {
    return readdirSync(HANDLERS)
      .filter((name) => name !== 'register' && name !== 'status')
      .some((name) => handles(readFileSync(join(HANDLERS, name), 'latin1'), path, head));
  } catch {
    // Not mounted or not readable: no handler that is known.
    return false;
  }
}

/** Whether a handler, as its file describes it, takes a file with this name and start. */
export function handles(description: string, path: string, head: Buffer): boolean {
  if (!/^enabled$/m.test(description)) return false;
  const field = (name: string): string | undefined =>
    new RegExp(`^${name} (\\S+)$`, 'm').exec(description)?.[1];
  const extension = field('extension');
  if (extension !== undefined) return path.endsWith(extension);
  const magic = Buffer.from(field('magic') ?? '', 'hex');
  const mask = Buffer.from(field('mask') ?? 'ff'.repeat(magic.length), 'hex');
  const offset = Number(field('offset') ?? 0);
  return (
    magic.length > 0 &&
    magic.every((byte, index) => (((head[offset + index] ?? 0) ^ byte) & (mask[index] ?? 0xff)) === 0)
  );
}
