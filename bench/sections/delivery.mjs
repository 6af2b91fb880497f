import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nextMessage, startChild, withOutputFolder } from './children.mjs';
import { arrivedPercent } from './profiled-time.mjs';
import { machineMilliseconds, startReceiver } from './receiver.mjs';

const PRELOAD = fileURLToPath(new URL('../inside/timed-preload.cjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../inside/deliver.cjs', import.meta.url));

/** A block counts for an upload if it ends in the second before the upload has arrived, or shortly after. */
const BEFORE = 1000;
const AFTER = 100;
/** The program's start is its first second. */
const START = 1000;
/** Uploads that are this late will not come. */
const PATIENCE = 20_000;

/** When each upload arrived; without a profiler the same times, in which nothing happens. */
async function arrivals(profiler, receiver, { begun, uploads, periodSeconds }) {
  const period = periodSeconds * 1000;
  if (profiler.preloads.length === 0) {
    const times = Array.from({ length: uploads }, (_, index) => begun + (index + 1) * period);
    await delay(times.at(-1) + AFTER - machineMilliseconds());
    return times;
  }
  await receiver.until(uploads, uploads * period + PATIENCE);
  if (receiver.uploads.length < uploads) {
    throw new Error(`Of ${uploads} uploads of ${profiler.title}, ${receiver.uploads.length} arrived.`);
  }
  await delay(AFTER);
  return receiver.uploads.map(({ arrived }) => arrived);
}

/** The longest block that ended between two times of the machine's clock. */
function longestBlock({ begun, slot, blocks }, from, to) {
  const place = (time) => Math.max(0, Math.floor((time - begun) / slot));
  return Math.max(...blocks.slice(place(from), place(to) + 1));
}

/** One process with a profiler that uploads by itself, each period. */
export async function measureDelivery(profiler, shape, { node, uploads, periodSeconds }) {
  const receiver = await startReceiver();
  try {
    return await withOutputFolder(async (folder) => {
      const child = startChild(PROGRAM, {
        node,
        args: [shape],
        preloads: [PRELOAD],
        environment: {
          ...profiler.uploading({ server: receiver.url, folder, periodSeconds }),
          BENCH_PRELOADS: JSON.stringify(profiler.preloads),
        },
      });
      try {
        const { begun } = await nextMessage(child);
        const times = await arrivals(profiler, receiver, { begun, uploads, periodSeconds });
        child.send('finish');
        const measured = await nextMessage(child);
        const [first, ...later] = times.map((time) => longestBlock(measured, time - BEFORE, time + AFTER));
        return {
          preloadMilliseconds: measured.preloadMilliseconds,
          startBlockMilliseconds: longestBlock(measured, begun, begun + START),
          firstBlockMilliseconds: first,
          blockMilliseconds: later,
          residentMegabytes: measured.residentBytes / 1e6,
          uploadKilobytes: receiver.uploads.map(({ body }) => body.length / 1000),
          arrivedPercent: await arrivedPercent(receiver.uploads),
        };
      } finally {
        child.kill('SIGKILL');
        await child.ended;
      }
    });
  } finally {
    await receiver.close();
  }
}
