import { fstatSync, statSync, writeFileSync } from 'node:fs';
import { writeWhole } from '../output/whole-file';

/**
 * Writes the file that a command was asked for. Standard output that is a file is written on, behind what is there. Throws the
 * system's error.
 */
export function writeOutput(path: string, data: string | Uint8Array): void {
  if (isStandardOutput(path) && fstatSync(1).isFile()) writeFileSync(1, data);
  else writeWhole(path, data);
}

export function isStandardOutput(path: string): boolean {
  return isSameFile(path, '/dev/stdout');
}

/** Whether two paths lead to one file. */
export function isSameFile(one: string, other: string): boolean {
  try {
    const [first, second] = [one, other].map((path) => statSync(path, { bigint: true }));
    return first?.ino === second?.ino && first?.dev === second?.dev;
  } catch {
    // One is not there, or out of reach: then writing it says more.
    return false;
  }
}
