import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import histogram from '../inside/histogram.cjs';
import { finished, nextMessage, profileKilobytes, startChild, withOutputFolder } from './children.mjs';

const SERVER = fileURLToPath(new URL('../../examples/getting-started/server.mjs', import.meta.url));
const DRIVER = new URL('../../examples/getting-started/load.mjs', import.meta.url);
const PROBE = fileURLToPath(new URL('../inside/probe.cjs', import.meta.url));

async function address(child) {
  while (!child.written.includes('listening on')) {
    const ended = child.ended.then(() => {
      throw new Error(`The service did not start:\n${child.written}`);
    });
    await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  }
  return child.written.match(/listening on (\S+)/)[1];
}

async function usage(child) {
  child.send('usage');
  return (await nextMessage(child)).usage;
}

/**
 * What everflame used between two readings, by its own clocks, as per cent of the process's CPU time. The least that it
 * can have added: the kernel's part in a signal and what it does to the caches are not in it. Unlike the ratio to a
 * run without it, other programs on the machine do not move it.
 */
function ownClocks(before, after) {
  if (before.metrics === undefined || after.metrics === undefined) return {};
  const cpu = (after.cpuMicroseconds - before.cpuMicroseconds) * 1000;
  const used = (name) => after.metrics.counters[name] - before.metrics.counters[name];
  const threads = used('observer_cpu_nanoseconds') + used('aggregator_cpu_nanoseconds');
  const handler = histogram.leastSum(histogram.between(before.metrics.handler, after.metrics.handler));
  return {
    ownThreadsPercent: (threads / cpu) * 100,
    handlerPercent: (handler / cpu) * 100,
    ownClocksPercent: ((threads + handler) / cpu) * 100,
  };
}

/** One run of the example service under load; the profiler's period is the measured window, so one flush is in it. */
export async function measureService(profiler, { node, seconds, warmupSeconds, round }) {
  const { drive } = await import(DRIVER.href);
  return withOutputFolder(async (folder) => {
    const child = startChild(SERVER, {
      node,
      preloads: [PROBE, ...profiler.preloads],
      environment: {
        PORT: '0',
        ...profiler.environment({ outputPrefix: join(folder, 'service'), periodSeconds: seconds }),
      },
    });
    try {
      const url = await address(child);
      await drive({ url, seconds: warmupSeconds, seed: 1000 });
      const before = await usage(child);
      // All variants of a round get the same requests.
      const result = await drive({ url, seconds, seed: round });
      const after = await usage(child);
      if (result.errors > 0 || result.non2xx > 0) {
        throw new Error(`${result.errors} requests failed and ${result.non2xx} answers were errors.`);
      }
      child.kill('SIGTERM');
      await finished(child);
      return {
        requestsPerSecond: result.requests.total / result.duration,
        cpuMicrosecondsPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests.total,
        ...ownClocks(before, after),
        latencyMeanMilliseconds: result.latency.average,
        latencyP50Milliseconds: result.latency.p50,
        latencyP99Milliseconds: result.latency.p99,
        residentMegabytes: after.residentBytes / 1e6,
        profileKilobytes: await profileKilobytes(profiler, folder),
      };
    } finally {
      child.kill('SIGKILL');
    }
  });
}
