import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the folder of a prefix and checks that files can be made in it. Throws the system's error if not. */
export function assertWritable(prefix: string): void {
  const folder = dirname(prefix);
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}
