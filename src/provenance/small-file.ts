import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { codeOf, reasonOf } from '../log';

/** Windows has no such second flag. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * The bytes of a file of at most so many; undefined where it is larger, no file, or cannot be read. Other people's folders
 * hold anything: a named pipe or a device is not waited for.
 */
export function readSmallFile(path: string, mostBytes: number): Buffer | undefined {
  try {
    const descriptor = openSync(path, READ);
    try {
      const found = fstatSync(descriptor);
      const isSmall = found.isFile() && found.size <= mostBytes;
      return isSmall ? readAtMost(descriptor, mostBytes, found.size) : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** As text, without the mark that some editors put before it. */
export function readSmallText(path: string, mostBytes: number): string | undefined {
  return readSmallFile(path, mostBytes)
    ?.toString('utf8')
    .replace(/^\ufeff/, '');
}

/** Why such a file cannot be read, as a part of a sentence; undefined where it can, or there is none. */
export function whyUnread(path: string, mostBytes: number): string | undefined {
  try {
    const found = statSync(path);
    if (!found.isFile()) return `${path} is no file`;
    if (found.size > mostBytes) return `${path} has more than ${mostBytes} bytes`;
    closeSync(openSync(path, READ));
    return undefined;
  } catch (error) {
    return /^(ENOENT|ENOTDIR)$/.test(codeOf(error) ?? '') ? undefined : reasonOf(error);
  }
}

/** To its end, and not by its size: files in /proc have none. */
function readAtMost(descriptor: number, mostBytes: number, size: number): Buffer | undefined {
  let buffer = Buffer.allocUnsafe(Math.min(Math.max(size + 1, 4096), mostBytes + 1));
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (read === 0) return buffer.subarray(0, length);
    length += read;
    if (length > mostBytes) return undefined;
    if (length === buffer.length) {
      buffer = Buffer.concat([buffer], Math.min(buffer.length * 2, mostBytes + 1));
    }
  }
}
