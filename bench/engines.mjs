// What a sample costs with each engine, and whether its totals are true: `node bench/engines.mjs [--rounds N]`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './report/statistics.mjs';

const CHILD = fileURLToPath(new URL('inside/engine.cjs', import.meta.url));
const ENGINES = ['tick', 'ctimer', 'perf', 'itimer'];
const RATES = [100, 1000];
const WORK = ['user', 'kernel'];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    node: { type: 'string', default: process.execPath },
  },
});

function run(engine, rate, work) {
  const output = execFileSync(values.node, [CHILD, engine, String(rate), work], { encoding: 'utf8' });
  return JSON.parse(output);
}

/** Interleaved rounds of one work at one rate: every engine beside the work alone. */
function measure(rate, work) {
  const runs = Object.fromEntries(['none', ...ENGINES].map((engine) => [engine, []]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const engine of Object.keys(runs)) {
      console.error(`${work} loop at ${rate} Hz, round ${round + 1} of ${values.rounds}: ${engine}`);
      runs[engine].push(run(engine, rate, work));
    }
  }
  const base = median(runs.none.map(({ cpu }) => cpu));
  return ENGINES.map((engine) => {
    const of = (key) => median(runs[engine].map((result) => result[key]));
    const added = of('cpu') - base;
    return [
      work,
      rate,
      engine,
      of('samples'),
      `${((added / base) * 100).toFixed(2)} %`,
      `${((added * 1000) / of('samples')).toFixed(0)} µs`,
      `${((of('observer') * 1000) / of('samples')).toFixed(0)} µs`,
      `${of('p50').toFixed(1)} / ${of('p99').toFixed(1)} µs`,
      `${(of('error') * 100).toFixed(2)} %`,
    ];
  });
}

const rows = RATES.flatMap((rate) => WORK.flatMap((work) => measure(rate, work)));
const header = [
  'loop',
  'rate Hz',
  'engine',
  'samples',
  'CPU added',
  'a sample costs',
  'of it the observer',
  'handler p50 / p99',
  'error of Σ cpu',
];
for (const row of [header, header.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
