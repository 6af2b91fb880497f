import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder of the installed package: two above `dist/src`. */
export const packageRoot = resolve(__dirname, '..', '..');

/** The file that `--require` loads to start profiling. */
export const autoPath = join(__dirname, 'auto.js');

/** Version of this package, from its package.json. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
