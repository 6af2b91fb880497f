import { dirname, join, resolve } from 'node:path';
import { type Manifest, readManifest } from './manifest';

/** What was started, and where. */
export interface Program {
  /** The script, as `process.argv[1]` has it; undefined for `node -e`, a pipe or the prompt. */
  entryPoint?: string;
  /** A whole path. */
  workingDirectory: string;
}

const IN_MODULES = /[\\/]node_modules[\\/]/;

/**
 * The folder in which the program's own code is looked for: that of its script. A script of a package, such as that of a
 * framework's command, is somebody else's, and what it runs is in the working directory.
 */
export function ownFolder(program: Program): string {
  const script = scriptOf(program);
  return script === undefined || IN_MODULES.test(script) ? program.workingDirectory : dirname(script);
}

/** The file that runs: `node .` and `node dist/server` leave it to Node.js to find, and a command is a link. */
export function scriptOf({ entryPoint, workingDirectory }: Program): string | undefined {
  if (!entryPoint) return undefined;
  const path = resolve(workingDirectory, entryPoint);
  try {
    return require.resolve(path);
  } catch {
    // It is gone by now, or a loader of the program's own finds it.
    return path;
  }
}

/** The nearest package.json with a name in a folder or above it. */
export function nearestManifest(folder: string): Manifest | undefined {
  for (let current = folder; ; current = dirname(current)) {
    const manifest = readManifest(join(current, 'package.json'));
    if (manifest?.name !== undefined) return manifest;
    if (dirname(current) === current) return undefined;
  }
}
