import { fileURLToPath } from 'node:url';
import histogram from '../inside/histogram.cjs';
import { nextMessage, startChild } from './children.mjs';

const HANDLER = fileURLToPath(new URL('../inside/handler.cjs', import.meta.url));
const FRAMES = 30;

/** The default rate, at which every sample finds cold caches, and one at which they are warm. */
export const RATES = [99, 1000];

/** One run of a loop below 30 JavaScript frames. */
export async function measureHandler(rate, { node, seconds, warmupSeconds }) {
  const child = startChild(HANDLER, {
    node,
    args: [rate, warmupSeconds, seconds, FRAMES].map(String),
  });
  try {
    const buckets = await nextMessage(child);
    return {
      handlerSamples: buckets.reduce((sum, { count }) => sum + count, 0),
      handlerP50Microseconds: histogram.quantile(buckets, 0.5),
      handlerP99Microseconds: histogram.quantile(buckets, 0.99),
    };
  } finally {
    child.kill('SIGKILL');
  }
}
