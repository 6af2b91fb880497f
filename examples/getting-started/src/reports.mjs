import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Sales reports, made in a worker thread so that the shop stays responsive; one at a time, shared by all who ask. */
export function createReports() {
  const worker = new Worker(new URL('./report-worker.mjs', import.meta.url), { name: 'sales-reports' });
  let running;
  return {
    make(orders) {
      running ??= answer(worker, orders).finally(() => {
        running = undefined;
      });
      return running;
    },
    close: () => worker.terminate(),
  };
}

async function answer(worker, orders) {
  worker.postMessage(orders);
  const [report] = await once(worker, 'message');
  return report;
}
