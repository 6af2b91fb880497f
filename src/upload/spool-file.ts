import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';

/** Not through a link, which may lead out of the spool, and not waiting for whoever opens the other end of a pipe. */
const PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Reads a file of the spool, whoever may have put what in its place. Throws the system's error, and for what is no file. */
export function readPlain(path: string, mostBytes = Number.POSITIVE_INFINITY): Buffer {
  const descriptor = openSync(path, PLAIN);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size > mostBytes) throw new Error(`it has ${found.size} bytes`);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Gives a file a second name. False where it is gone, the name is taken, or the file system has none. */
export function linked(path: string, name: string): boolean {
  try {
    linkSync(path, name);
    return true;
  } catch {
    return false;
  }
}

/** A reader meets the old file or the new one, and never half of one. */
export function replace(path: string, data: Buffer): void {
  const temporary = `${path}.${process.hrtime.bigint().toString(36)}.tmp`;
  try {
    writeFileSync(temporary, data, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
