import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished, nextMessage, profileKilobytes, startChild, withOutputFolder } from './children.mjs';

const RUNNER = fileURLToPath(new URL('../inside/run-program.mjs', import.meta.url));

/** The CPU-bound programs, by what they are made of. */
export const PROGRAMS = ['json-sort', 'promises', 'wide-stacks'];

/** One run of a CPU-bound program. */
export async function measureProgram(profiler, program, { node, seconds, warmupSeconds }) {
  const file = new URL(`../programs/${program}.mjs`, import.meta.url).href;
  return withOutputFolder(async (folder) => {
    const child = startChild(RUNNER, {
      node,
      args: [file, String(warmupSeconds), String(seconds)],
      preloads: profiler.preloads,
      environment: profiler.environment({ outputPrefix: join(folder, 'program'), periodSeconds: seconds }),
    });
    try {
      const { steps, elapsedSeconds, cpuMicroseconds, residentBytes } = await nextMessage(child);
      await finished(child);
      return {
        stepsPerSecond: steps / elapsedSeconds,
        cpuMicrosecondsPerStep: cpuMicroseconds / steps,
        residentMegabytes: residentBytes / 1e6,
        profileKilobytes: await profileKilobytes(profiler, folder),
      };
    } finally {
      child.kill('SIGKILL');
    }
  });
}
