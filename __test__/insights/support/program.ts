import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { profilesIn, temporaryFolder } from '../../support/folder.js';
import { AUTO, ROOT, run } from '../../support/spawn.js';
import { type Filled, keep } from './keep.js';

const PROGRAMS = join(ROOT, '__test__', 'insights', 'programs');

export interface ProgramOptions {
  /** Flags of Node.js. */
  flags?: string[];
  env?: Record<string, string>;
  /** CPU seconds that it is to use. */
  seconds?: number;
}

/** Runs a program with the profiler, and keeps its profile in a store. */
export async function profileProgram(
  t: ExecutionContext,
  node: string,
  name: string,
  { flags = [], env = {}, seconds = 1.2 }: ProgramOptions = {},
): Promise<Filled> {
  const folder = temporaryFolder(t);
  const args = [...flags, '--require', AUTO, join(PROGRAMS, `${name}.js`), String(seconds)];
  const { code, stderr } = await run(node, args, {
    env: {
      DD_PROFILING_OUTPUT_PPROF: join(folder, 'profile'),
      EVERFLAME_RATE: '499',
      // Of interrupts by its CPU time alone a thread has as many on a machine that does other things too.
      EVERFLAME_ENGINE: 'ctimer',
      EVERFLAME_LOG_LEVEL: 'error',
      ...env,
    },
  });
  t.is(code, 0, stderr);
  t.is(stderr, '');
  return keep(t, profilesIn(folder));
}
