// Asks stores for trees, by the binding and, where the collector is built, over HTTP. Tells each time, and the most memory.
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { loadStore } = require('../../dist/src/collector/native-binding');

const { NativeStore } = loadStore();

const COLLECTOR = join(__dirname, '../../dist/src/collector');
/** What the API takes where a question does not say. */
const NODES = 65_536;
const SERVICE = 'shop';

const questions = JSON.parse(process.argv[2]);
const rounds = Number(process.argv[3]);

function peakMegabytes() {
  return (Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024) / 1e6;
}

function headingOf(tree) {
  return JSON.parse(tree.subarray(8, 8 + tree.readUInt32LE(4)).toString());
}

/** How a question is asked over HTTP, and what ends that; undefined without a collector. */
async function overHttp(folder) {
  if (!existsSync(join(COLLECTOR, 'native-store.js'))) return undefined;
  const { FolderStore } = require(join(COLLECTOR, 'native-store.js'));
  const { startCollector } = require(join(COLLECTOR, 'collector.js'));
  const store = FolderStore.read(folder);
  const collector = await startCollector({ store, logger: console, port: 0 });
  return {
    async ask({ from, to }) {
      const address = `http://127.0.0.1:${collector.port}/api/v1/tree?service=${SERVICE}&from=${from}&to=${to}`;
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(await answer.text());
      return Buffer.from(await answer.arrayBuffer());
    },
    async close() {
      await collector.close();
      await store.close();
    },
  };
}

async function prepare({ name, folder, from, to }) {
  const store = NativeStore.open(folder, true);
  const selection = { service: SERVICE, from, to, type: 'cpu', where: [] };
  const byBinding = () => store.tree(selection, 'function', undefined, NODES);
  const http = await overHttp(folder);
  const ways = [{ way: 'binding', ask: byBinding, times: [] }];
  if (http) ways.push({ way: 'http', ask: () => http.ask({ from, to }), times: [] });
  const close = async () => {
    store.close();
    await http?.close();
  };
  return { name, ways, close };
}

async function main() {
  const stores = [];
  for (const question of questions) stores.push(await prepare(question));
  const answers = {};
  // The first round brings the dictionaries into memory, and is told apart.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, ways } of stores) {
      for (const { ask, times } of ways) {
        const begin = performance.now();
        const tree = await ask();
        times.push(performance.now() - begin);
        const { total, nodes, omitted, frames } = headingOf(tree);
        const answer = { total, nodes, omitted, frames: frames.name.length, bytes: tree.length };
        answers[name] ??= answer;
        if (answers[name].total !== total)
          throw new Error(`${name}: the totals of two answers are different`);
      }
    }
  }
  for (const { name, ways, close } of stores) {
    for (const { way, times } of ways) {
      const [first, ...later] = times;
      answers[name][way] = { first, later };
    }
    await close();
  }
  process.send({ answers, residentMegabytes: peakMegabytes() });
}

main();
