// The collector's store alone, without the rest of the benchmarks: `npm run bench -- --only store` prepares what it needs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positive, UsageError } from './options.mjs';
import { budgetTable } from './report/markdown.mjs';
import { judgeStore, storeTables } from './report/store.mjs';
import { measureStore } from './sections/store.mjs';

const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const ROUNDS = 5;

const HELP = `Usage: node bench/store.mjs [options]

Measures the collector's store (docs/benchmarks.md). Needs its binary ("npm run build:store"), a Rust toolchain, 3 GB in the
temporary folder and some minutes. Over HTTP it asks where the collector is built ("npm run build:ts"). node:sqlite takes part
on Node.js 22 and newer.

  --rounds N     interleaved rounds, ${ROUNDS}
  --node PATH    the Node.js to measure with, this one
  --stores DIR   where the filled stores are taken from and left; without it they are made anew and removed
  --output DIR   where store.json and store.md go, bench/results
  --quick        a smoke run: figures without meaning
  --help         show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        output: { type: 'string', default: RESULTS },
        stores: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
}

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  const { quick, node, output, stores } = options;
  const rounds = quick ? 1 : positive(options.rounds, ROUNDS, '--rounds');
  const loadBefore = loadavg();
  const store = await measureStore({ rounds, quick, node, stores });
  const host = { cpu: cpus()[0].model.trim(), cores: cpus().length, system: `${type()} ${release()}`, node };
  const load = { before: loadBefore, after: loadavg() };
  const budgets = quick ? [] : judgeStore(store);
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, 'store.json'), `${JSON.stringify({ host, load, store, budgets }, null, 2)}\n`);
  const loads = [load.before, load.after].map(([minute]) => minute.toFixed(1)).join(' before, ');
  const markdown = [
    `${host.cpu}, ${host.cores} cores, ${host.system}; load ${loads} after.`,
    '',
    storeTables(store),
    ...(budgets.length > 0 ? [budgetTable(budgets)] : []),
  ].join('\n');
  writeFileSync(join(output, 'store.md'), markdown);
  console.log(markdown);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
