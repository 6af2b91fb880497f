import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished, nextMessage, startChild, withOutputFolder } from './children.mjs';

const TIMER = fileURLToPath(new URL('../inside/time-start.cjs', import.meta.url));
const EMPTY = fileURLToPath(new URL('../inside/empty.cjs', import.meta.url));

/** One start of an empty program: the preload's time on the main thread, and the whole process's life. */
export async function measureStart(profiler, { node }) {
  return withOutputFolder(async (folder) => {
    const began = performance.now();
    const child = startChild(EMPTY, {
      node,
      preloads: [TIMER],
      environment: {
        ...profiler.environment({ outputPrefix: join(folder, 'start'), periodSeconds: 60 }),
        BENCH_PRELOADS: JSON.stringify(profiler.preloads),
      },
    });
    const { milliseconds, residentBytes } = await nextMessage(child);
    await finished(child);
    return {
      preloadMilliseconds: milliseconds,
      processMilliseconds: performance.now() - began,
      residentMegabytes: residentBytes / 1e6,
    };
  });
}
