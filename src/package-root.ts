import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder of the installed package: two above `dist/src`. */
export const packageRoot = resolve(__dirname, '..', '..');

/**
 * Folder that holds the packages this one loads too: the outermost `node_modules` that it is installed in. A package
 * manager puts them beside it, above it, or behind links that lead to other places in there. In a checkout it is the
 * checkout. `auto.ts` says the same where it may not read this file.
 */
export const packagesRoot = packageRoot.replace(/(?<=[\\/]node_modules)[\\/].*$/s, '');

/** The file that `--require` loads to start profiling. */
export const autoPath = join(__dirname, 'auto.js');

/** Version of this package, from its package.json. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** `NODE_OPTIONS` with `--require <preload>` behind it. Node.js splits at spaces outside double quotes. */
export function appendPreload(options: string | undefined, preload: string): string {
  const path = /[\s"\\]/.test(preload) ? `"${preload.replace(/["\\]/g, '\\$&')}"` : preload;
  return options?.trim() ? `${options} --require ${path}` : `--require ${path}`;
}
