import {
  closeSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';

/**
 * Writes a file that is there whole or, where that fails, as it was before. What is no regular file (a pipe, `/dev/stdout`)
 * is written as it is, and so is a file beside which none can be made. `mode` is as in open(2), of a file that is not there yet.
 * Throws the system's error.
 */
export function writeWhole(path: string, text: string | Uint8Array, mode?: number): void {
  const beside = openBeside(path, mode);
  if (beside === undefined) {
    writeFileSync(path, text, { mode });
    return;
  }
  const { descriptor, temporary, target } = beside;
  try {
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** A new file that can take the place of what is at a path, with no more rights than that has. */
function openBeside(
  path: string,
  mode: number | undefined,
): { descriptor: number; temporary: string; target: string } | undefined {
  try {
    const target = statusOf(path) ? realpathSync(path) : path;
    const before = statusOf(target);
    if (before !== undefined && !before.isFile()) return undefined;
    const temporary = `${target}.${process.pid}.tmp`;
    return { descriptor: openSync(temporary, 'wx', before?.mode ?? mode), temporary, target };
  } catch {
    // Writing the path itself then says what is wrong with it, in its own words.
    return undefined;
  }
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
