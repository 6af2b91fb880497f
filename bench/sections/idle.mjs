import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { finished, nextMessage, startChild, withOutputFolder } from './children.mjs';

const SERVER = fileURLToPath(new URL('../inside/idle.cjs', import.meta.url));

/** How often the threads of a process went to sleep so far; each wake-up is followed by one. */
function sleeps(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    sum += Number(status.match(/^voluntary_ctxt_switches:\s*(\d+)/m)[1]);
  }
  return sum;
}

/** One run of a server without a single request. */
export async function measureIdle(profiler, { node, seconds, warmupSeconds }) {
  return withOutputFolder(async (folder) => {
    const child = startChild(SERVER, {
      node,
      preloads: profiler.preloads,
      environment: profiler.environment({ outputPrefix: join(folder, 'idle'), periodSeconds: 600 }),
    });
    try {
      await nextMessage(child);
      await delay(warmupSeconds * 1000);
      const before = sleeps(child.pid);
      const start = performance.now();
      await delay(seconds * 1000);
      const wakeUps = sleeps(child.pid) - before;
      const elapsedSeconds = (performance.now() - start) / 1000;
      child.kill('SIGTERM');
      await finished(child);
      return { wakeUpsPerSecond: wakeUps / elapsedSeconds };
    } finally {
      child.kill('SIGKILL');
    }
  });
}
