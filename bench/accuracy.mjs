// The weakness of engines that docs/accuracy.md names, measured: how far a profile is wrong where it is known to be.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positive, UsageError } from './options.mjs';
import { median } from './report/statistics.mjs';
import { nextMessage, startChild } from './sections/children.mjs';

const CHILD = fileURLToPath(new URL('inside/sampling-bias.cjs', import.meta.url));
const BUSY = fileURLToPath(new URL('inside/busy.cjs', import.meta.url));
const ENGINES = ['tick', 'ctimer', 'perf'];
const SECONDS = 5;
const ROUNDS = 3;

const HELP = `Usage: node bench/accuracy.mjs [options]

Measures, with each engine at 1 kHz, the share of CPU time that a profile gives to process.cpuUsage() in a loop that asks
every 0.4 ms while all CPUs are busy, beside what the calls take by themselves. Needs a build: "npm run build".

  --seconds N   of each run, ${SECONDS}
  --rounds N    the median of so many is shown, ${ROUNDS}
  --node PATH   the Node.js to measure with, this one
  --help        show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
}

async function measure(node, engine, seconds) {
  const child = startChild(CHILD, { node, args: [engine, String(seconds)] });
  try {
    return await nextMessage(child);
  } finally {
    child.kill('SIGKILL');
  }
}

/** The median of some runs, as per cent. */
async function medianOf(rounds, run) {
  const results = [];
  for (let round = 0; round < rounds; round += 1) results.push(await run());
  const of = (key) => `${(median(results.map((result) => result[key])) * 100).toFixed(2)} %`;
  return [of('found'), of('truth')];
}

/** One other program for each CPU while `body` runs. */
async function whileBusy(node, body) {
  const others = Array.from({ length: availableParallelism() }, () => startChild(BUSY, { node }));
  try {
    return await body();
  } finally {
    for (const other of others) other.kill('SIGKILL');
  }
}

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  const { node } = options;
  const seconds = positive(options.seconds, SECONDS, '--seconds');
  const rounds = positive(options.rounds, ROUNDS, '--rounds');
  const rows = [];
  await whileBusy(node, async () => {
    for (const engine of ENGINES) {
      const figures = await medianOf(rounds, () => measure(node, engine, seconds));
      rows.push([engine, ...figures]);
    }
  });
  const header = ['engine', 'in the profile', 'truth'];
  for (const row of [header, header.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
