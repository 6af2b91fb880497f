import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nextMessage, startChild, withOutputFolder } from './children.mjs';

const PAUSE = fileURLToPath(new URL('../inside/pause.cjs', import.meta.url));

/** A small profile holds one path of calls; a wide one has a stack of its own for most samples. */
export const SHAPES = ['small', 'wide'];

/** Ten times the usual rate: six seconds hold as many samples as a period of a minute. */
const RATE = 1000;

/** Flushes by hand, several times in one process. */
export async function measurePauses(profiler, shape, { node, fillSeconds, flushes }) {
  return withOutputFolder(async (folder) => {
    const child = startChild(PAUSE, {
      node,
      args: [profiler.adapter, shape, String(RATE), String(fillSeconds), String(flushes)],
      environment: { BENCH_OUTPUT: join(folder, 'pause') },
    });
    try {
      const measured = await nextMessage(child);
      return {
        blockMilliseconds: measured.map(({ blockMilliseconds }) => blockMilliseconds),
        kilobytes: measured.map(({ bytes }) => bytes / 1000),
      };
    } finally {
      child.kill('SIGKILL');
    }
  });
}
