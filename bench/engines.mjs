// What a sample costs with each engine, and whether its totals are true.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanEnvironment } from '../scripts/setup/environment.mjs';
import { positive, UsageError } from './options.mjs';
import { median, rotate, summarise } from './report/statistics.mjs';

const CHILD = fileURLToPath(new URL('inside/engine.cjs', import.meta.url));
const ENGINES = ['tick', 'ctimer', 'perf', 'itimer'];
const RATES = [100, 1000];
const WORK = ['user', 'kernel'];
const ROUNDS = 5;

const HELP = `Usage: node bench/engines.mjs [options]

Runs a loop in user code and one in the kernel, without a profiler and with each engine, at ${RATES.join(' and ')} Hz.
Needs a build: "npm run build".

  --rounds N    interleaved rounds, each begun with another engine, ${ROUNDS}
  --node PATH   the Node.js to measure with, this one
  --json        every single value instead of the table
  --help        show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
}

/** One run; an engine that cannot start here is no figure, and says why. */
function run(node, engine, rate, work) {
  try {
    const args = [CHILD, engine, String(rate), work];
    return JSON.parse(execFileSync(node, args, { encoding: 'utf8', env: cleanEnvironment(), stdio: 'pipe' }));
  } catch (error) {
    const refusal = `${error.stderr}`.match(/the engine \w+ cannot start: .*/);
    if (refusal === null) throw error;
    return { refusal: refusal[0] };
  }
}

/** Interleaved rounds of one work at one rate: every engine beside the work alone. */
function measure(node, rounds, rate, work) {
  const runs = Object.fromEntries(['none', ...ENGINES].map((engine) => [engine, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const engine of rotate(Object.keys(runs), round)) {
      console.error(`${work} loop at ${rate} Hz, round ${round + 1} of ${rounds}: ${engine}`);
      runs[engine].push(run(node, engine, rate, work));
    }
  }
  return { work, rate, runs };
}

/** The rows of one work at one rate. A ratio of CPU time is made within a round. */
function rowsOf({ work, rate, runs }) {
  const base = runs.none.map(({ cpu }) => cpu);
  return ENGINES.map((engine) => {
    const results = runs[engine];
    const refusal = results.find((result) => result.refusal)?.refusal;
    if (refusal) return [work, rate, engine, refusal, '', '', '', '', '', '', ''];
    const of = (figure) => median(results.map(figure));
    const added = summarise(
      results.map(({ cpu }) => cpu),
      base,
    );
    const percent = (ratio) => ((ratio - 1) * 100).toFixed(2);
    const aSample = (figure) => `${of((result) => (figure(result) * 1000) / result.samples).toFixed(1)} µs`;
    return [
      work,
      rate,
      engine,
      of(({ samples }) => samples),
      `${percent(added.ratio)} % (${percent(added.ratioLow)} to ${percent(added.ratioHigh)})`,
      aSample(({ observer, aggregator, handler }) => observer + aggregator + handler),
      aSample(({ observer }) => observer),
      aSample(({ aggregator }) => aggregator),
      aSample(({ handler }) => handler),
      `${of(({ p50 }) => p50).toFixed(1)} / ${of(({ p99 }) => p99).toFixed(1)} µs`,
      `${(of(({ error }) => error) * 100).toFixed(2)} %`,
    ];
  });
}

const HEADER = [
  'loop',
  'rate Hz',
  'engine',
  'samples',
  'CPU added (quartiles)',
  'a sample by own clocks',
  'of it the observer',
  'the aggregator',
  'the handler',
  'handler p50 / p99',
  'error of Σ cpu',
];

function main() {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  const rounds = positive(options.rounds, ROUNDS, '--rounds');
  const measured = RATES.flatMap((rate) => WORK.map((work) => measure(options.node, rounds, rate, work)));
  if (options.json) {
    console.log(JSON.stringify(measured, null, 2));
    return;
  }
  const rows = measured.flatMap(rowsOf);
  for (const row of [HEADER, HEADER.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

try {
  main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
