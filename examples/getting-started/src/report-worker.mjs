import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';

function toCsv(orders) {
  const header = 'number,book,copies,cents';
  const rows = orders.map((order) => [order.number, order.bookId, order.copies, order.cents].join(','));
  return [header, ...rows].join('\n');
}

function totalsByBook(orders) {
  const totals = new Map();
  for (const order of orders) totals.set(order.bookId, (totals.get(order.bookId) ?? 0) + order.cents);
  return [...totals].sort((a, b) => b[1] - a[1]).slice(0, 10);
}

function buildReport(orders) {
  const archive = gzipSync(toCsv(orders), { level: 9 });
  const checksum = createHash('sha256').update(archive).digest('hex');
  return { orders: orders.length, best: totalsByBook(orders), bytes: archive.length, checksum };
}

parentPort.on('message', (orders) => parentPort.postMessage(buildReport(orders)));
