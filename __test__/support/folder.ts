import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A new empty folder, removed when the test ends. Give it the programs to put in it, by name. */
export function temporaryFolder(t: ExecutionContext, files: Record<string, string> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'everflame-test-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Paths of the finished profiles in a folder, in order of their names; none where the folder was never made. */
export function profilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.wall.pprof'))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Process numbers in the names of profiles, each once. */
export function pidsOf(paths: string[]): number[] {
  const pids = paths.map((path) => Number(/\.(\d+)\.\d+\.wall\.pprof$/.exec(path)?.[1]));
  return [...new Set(pids)].sort((a, b) => a - b);
}
