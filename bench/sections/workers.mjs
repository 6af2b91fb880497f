import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished, nextMessage, startChild, withOutputFolder } from './children.mjs';

const PROGRAM = fileURLToPath(new URL('../inside/workers.cjs', import.meta.url));

/** One process that starts so many empty worker threads: the CPU time of all its threads, and the time, for each of them. */
export async function measureWorkers(profiler, { node, workers }) {
  return withOutputFolder(async (folder) => {
    const child = startChild(PROGRAM, {
      node,
      args: [String(workers)],
      preloads: profiler.preloads,
      environment: profiler.environment({ outputPrefix: join(folder, 'workers'), periodSeconds: 60 }),
    });
    const figures = await nextMessage(child);
    await finished(child);
    return figures;
  });
}
