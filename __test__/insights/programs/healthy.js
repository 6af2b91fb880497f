'use strict';
const { createHash } = require('node:crypto');
const { readFile } = require('node:fs/promises');
const http = require('node:http');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const REQUESTS = 4000;
const goods = Array.from({ length: 400 }, (_, id) => ({ id, name: `item ${id}`, price: (id * 37) % 101, stock: id % 7 }));

/** A service that has enough to do and no problem: each thing that the rules look for is in it, in the amount that is usual. */
if (isMainThread) serve();
else load(workerData);

function serve() {
  let requests = 0;
  const server = http.createServer(async (request, response) => {
    if (++requests % 200 === 0) console.log('%d requests', requests);
    const { body, tag } = await answer(new URL(request.url, 'http://shop'));
    response.setHeader('content-type', 'application/json').setHeader('etag', tag).end(body);
  });
  server.listen(0, '127.0.0.1', () => {
    const worker = new Worker(__filename, { workerData: server.address().port });
    worker.on('exit', () => server.close());
  });
}

async function answer(url) {
  const most = Number(/^\/goods\/(\d+)$/.exec(url.pathname)?.[1] ?? 10);
  if (url.searchParams.has('page')) await readFile(__filename, 'utf8');
  const found = recommend(most).map(({ id, name, score }) => ({ id, name, score }));
  const body = JSON.stringify({ found });
  return { body, tag: createHash('sha1').update(body).digest('hex') };
}

/** What the service is there for. */
function recommend(most) {
  let best = [];
  for (const good of goods) {
    let score = good.stock;
    for (let other = 0; other < goods.length; other += 2) score += Math.abs(good.price - goods[other].price) % 13;
    best.push({ ...good, score });
    if (best.length > 2 * most) best = best.sort((a, b) => b.score - a.score).slice(0, most);
  }
  return best.sort((a, b) => b.score - a.score).slice(0, most);
}

async function load(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const ask = (path) =>
    new Promise((resolve, reject) => {
      http.get({ port, host: '127.0.0.1', agent, path }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  const client = async (number) => {
    for (let turn = number; turn < REQUESTS; turn += 4) await ask(`/goods/${5 + (turn % 20)}${turn % 10 === 0 ? '?page' : ''}`);
  };
  await Promise.all([0, 1, 2, 3].map(client));
  agent.destroy();
}
