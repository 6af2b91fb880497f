import { dirname, join, resolve } from 'node:path';
import { type Manifest, readManifest } from './manifest';

/** What was started, and where. */
export interface Program {
  /** Path of the script, as `process.argv[1]`; undefined for `node -e`, a pipe or the prompt. */
  entryPoint?: string;
  workingDirectory: string;
}

const IN_MODULES = /[\\/]node_modules[\\/]/;

/**
 * The folder in which the program's own code is looked for: that of its script. A script of a package, such as that of a
 * framework's command, is somebody else's, and what it runs is in the working directory.
 */
export function ownFolder({ entryPoint, workingDirectory }: Program): string {
  if (!entryPoint || IN_MODULES.test(entryPoint)) return workingDirectory;
  return dirname(resolve(workingDirectory, entryPoint));
}

/** The nearest package.json with a name in a folder or above it. */
export function nearestManifest(folder: string): Manifest | undefined {
  for (let current = folder; ; current = dirname(current)) {
    const manifest = readManifest(join(current, 'package.json'));
    if (manifest?.name !== undefined) return manifest;
    if (dirname(current) === current) return undefined;
  }
}
