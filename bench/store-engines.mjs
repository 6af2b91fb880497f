// What redb and SQLite make of the store's blocks: the program of bench/store-engines with each, and without any.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positive, UsageError } from './options.mjs';
import { median, rotate } from './report/statistics.mjs';

const FOLDER = fileURLToPath(new URL('store-engines', import.meta.url));
const ENGINES = ['redb', 'sqlite'];
const ROUNDS = 5;
/** How long a store is written before its writer is killed. */
const LIFE_MILLISECONDS = 400;

const HELP = `Usage: node bench/store-engines.mjs [options]

Builds bench/store-engines with redb, with SQLite and with neither, and compares them on the blocks of ten instances over six
hours: size of the binary, durable commits, reading everything, disk, and opening after a kill. Needs a Rust toolchain.

  --rounds N   interleaved rounds, ${ROUNDS}
  --json       every single value instead of the table
  --help       show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
}

/** The program with one engine, as a file in `folder`. */
function build(engine, folder) {
  console.error(`building with ${engine}`);
  const features = engine === 'none' ? [] : ['--features', engine];
  const args = ['build', '--release', '--message-format=json-render-diagnostics', ...features];
  const output = execFileSync('cargo', args, {
    cwd: FOLDER,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const messages = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { executable } = messages.findLast((message) => message.executable);
  // The next build puts another one in its place.
  const binary = join(folder, engine);
  cpSync(executable, binary);
  return binary;
}

function run(binary, folder, task) {
  const lines = execFileSync(binary, [folder, task], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]),
  );
}

/** Opens a store whose writer was killed, and reads what it has. */
async function openAfterKill(binary, folder) {
  const child = spawn(binary, [folder, 'crash'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await sleep(LIFE_MILLISECONDS);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return run(binary, folder, 'read').open_ms;
}

async function measure(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-engines-'));
  try {
    const written = run(binary, folder, 'write');
    const read = run(binary, folder, 'read');
    const killed = await openAfterKill(binary, folder);
    const replaced = run(binary, folder, 'replace');
    return {
      ...written,
      read_all_ms: read.read_all_ms,
      disk_after_replacing_all_mb: replaced.disk_after_replacing_all_mb,
      open_after_kill_ms: killed,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const FIGURES = {
  commits_of_1_per_s: ['durable commits of one block, a second', 0],
  blocks_in_commits_of_10_per_s: ['blocks in commits of ten, a second', 0],
  read_all_ms: ['reading all 3,600 blocks, ms', 1],
  disk_mb: ['disk, MB', 1],
  disk_after_replacing_all_mb: ['disk after all was replaced, MB', 1],
  open_after_kill_ms: ['opening after a kill, ms', 1],
  resident_mb: ['peak RSS of the writer, MB', 1],
};

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  const rounds = positive(options.rounds, ROUNDS, '--rounds');
  const folder = mkdtempSync(join(tmpdir(), 'everflame-engines-'));
  try {
    const binaries = Object.fromEntries(
      ['none', ...ENGINES].map((engine) => [engine, build(engine, folder)]),
    );
    const sizes = Object.fromEntries(
      Object.entries(binaries).map(([engine, path]) => [engine, statSync(path).size]),
    );
    const loads = [loadavg()[0]];
    const runs = Object.fromEntries(ENGINES.map((engine) => [engine, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const engine of rotate(ENGINES, round)) {
        console.error(`round ${round + 1} of ${rounds}: ${engine}`);
        runs[engine].push(await measure(binaries[engine]));
      }
      loads.push(loadavg()[0]);
    }
    const result = { cores: cpus().length, loads, sizes, runs };
    console.log(options.json ? JSON.stringify(result, null, 2) : toTable(result));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toTable({ cores, loads, sizes, runs }) {
  const added = (engine) => `${((sizes[engine] - sizes.none) / 1e3).toFixed(0)} KB`;
  const rows = Object.entries(FIGURES).map(([name, [title, decimals]]) => {
    const cell = (engine) => {
      const values = runs[engine].map((run) => run[name]);
      const [least, most] = [Math.min(...values), Math.max(...values)];
      return `${median(values).toFixed(decimals)} (${least.toFixed(decimals)}–${most.toFixed(decimals)})`;
    };
    return `| ${title} | ${ENGINES.map(cell).join(' | ')} |`;
  });
  return [
    `Medians of ${runs.redb.length} interleaved rounds, in brackets the least and the most; ${cores} cores, load ${loads.map((load) => load.toFixed(1)).join(', ')}.`,
    '',
    `| | ${ENGINES.join(' | ')} |`,
    '|---|---:|---:|',
    `| added to the binary | ${ENGINES.map(added).join(' | ')} |`,
    ...rows,
  ].join('\n');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
