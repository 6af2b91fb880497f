// How long a collector takes to start over a store that it has been killed over, and over one that it has closed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positive, UsageError } from './options.mjs';
import { quantile } from './report/statistics.mjs';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const ROUNDS = 5;
const LOOK_MILLISECONDS = 5;
/** More than any store of a test has: nothing is to be removed while it is measured. */
const LIMITS = ['--keep', '100000', '--store-size', '100000'];
const TICKS_PER_SECOND = 100;

const HELP = `Usage: node bench/store-start.mjs [options] <folder>...

Copies each store, such as those that "node bench/store.mjs --stores DIR" leaves, starts a collector over the copy and ends it,
in turns by SIGKILL and by SIGTERM. Says how long the next one takes until it answers, from the start of its process on, and
the CPU time until then. Needs the collector ("npm run build:ts" and "npm run build:store").

  --rounds N  starts of each kind, ${ROUNDS}
  --help      show this text`;

/** Settles with the port that the collector tells. */
async function portOf(child) {
  let said = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    said += text;
    const [, port] = /the page is at http:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`the collector did not start: ${said}`);
}

function answers(port) {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', path: '/api/v1/status' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => resolve(false));
  });
}

/** User and system time of a process: the fields 14 and 15 of proc_pid_stat(5), behind the name in brackets. */
function cpuMilliseconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

/** Starts a collector, waits until it answers, and ends it. */
async function start(store, signal) {
  const begin = performance.now();
  const args = [
    CLI,
    'view',
    '--port',
    '0',
    '--no-open',
    '--store',
    store,
    '--inbox',
    `${store}-inbox`,
    ...LIMITS,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  try {
    const port = await portOf(child);
    while (!(await answers(port))) await sleep(LOOK_MILLISECONDS);
    return { wall: performance.now() - begin, cpu: cpuMilliseconds(child.pid) };
  } finally {
    child.kill(signal);
    await ended;
  }
}

async function measure(folder, rounds) {
  const place = mkdtempSync(join(tmpdir(), 'everflame-start-'));
  try {
    const store = join(place, 'store');
    cpSync(folder, store, { recursive: true });
    const found = { killed: [], closed: [] };
    await start(store, 'SIGTERM');
    for (let round = 0; round < rounds; round += 1) {
      found.closed.push(await start(store, 'SIGKILL'));
      found.killed.push(await start(store, 'SIGTERM'));
    }
    return found;
  } finally {
    rmSync(place, { recursive: true });
  }
}

function shown(runs, kind) {
  const at = (share) =>
    quantile(
      runs.map((run) => run[kind]),
      share,
    ).toFixed(0);
  return `${at(0.5)} (${at(0)}–${at(1)})`;
}

async function main() {
  const options = { rounds: { type: 'string' }, help: { type: 'boolean', default: false } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help || positionals.length === 0) {
    console.log(HELP);
    return;
  }
  const rounds = positive(values.rounds, ROUNDS, '--rounds');
  console.log(
    '| store, MiB | after a kill, ms | CPU, ms | after an end, ms | CPU, ms |\n|---:|---:|---:|---:|---:|',
  );
  for (const folder of positionals) {
    const file = statSync(join(folder, 'profiles.sqlite'), { throwIfNoEntry: false });
    if (!file)
      throw new UsageError(`there is no store in ${folder}. "node bench/store.mjs --stores DIR" makes some`);
    const size = file.size / 2 ** 20;
    const { killed, closed } = await measure(folder, rounds);
    const cells = [killed, closed].flatMap((runs) => [shown(runs, 'wall'), shown(runs, 'cpu')]);
    console.log(`| ${size.toFixed(0)} | ${cells.join(' | ')} |`);
  }
  console.log(`\nload ${loadavg()[0].toFixed(1)} at the end`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
