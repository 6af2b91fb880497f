import { PROFILERS } from '../profilers.mjs';
import { storeTables } from './store.mjs';

/** Column titles, and how many decimals a reader wants. */
const METRICS = {
  requestsPerSecond: ['requests/s', 0],
  cpuMicrosecondsPerRequest: ['CPU µs/request', 1],
  ownThreadsPercent: ['own threads, % of CPU', 2],
  handlerPercent: ['handler, % of CPU', 2],
  ownClocksPercent: ['own clocks, % of CPU', 2],
  latencyMeanMilliseconds: ['mean ms', 2],
  latencyP50Milliseconds: ['p50 ms', 1],
  latencyP99Milliseconds: ['p99 ms', 1],
  stepsPerSecond: ['steps/s', 0],
  cpuMicrosecondsPerStep: ['CPU µs/step', 1],
  residentMegabytes: ['RSS MB', 1],
  profileKilobytes: ['profile KB', 1],
  startBlockMilliseconds: ['longest block of the first second ms', 2],
  firstBlockMilliseconds: ['of the first upload ms', 2],
  blockMilliseconds: ['longest block ms', 2],
  kilobytes: ['profile KB', 1],
  uploadKilobytes: ['upload KB', 1],
  arrivedPercent: ['arrived, % of wall time', 1],
  preloadMilliseconds: ['preload ms', 2],
  processMilliseconds: ['process ms', 1],
  cpuMillisecondsPerWorker: ['CPU ms/worker', 1],
  millisecondsPerWorker: ['ms/worker', 1],
  wakeUpsPerSecond: ['wake-ups/s', 2],
  handlerSamples: ['samples', 0],
  handlerP50Microseconds: ['p50 µs', 2],
  handlerP99Microseconds: ['p99 µs', 2],
  binaryMegabytes: ['binary MB', 2],
  storeMegabytes: ['store MB', 2],
  packageMegabytes: ['package MB', 2],
  dependenciesMegabytes: ['dependencies MB', 2],
  installMegabytes: ['together MB', 2],
};

/** Metrics whose worst value matters as much as the median. */
const WITH_WORST = new Set(['startBlockMilliseconds', 'firstBlockMilliseconds', 'blockMilliseconds']);
/** Metrics for which a ratio to the run without a profiler says nothing. */
const WITHOUT_RATIO = new Set([
  'startBlockMilliseconds',
  'firstBlockMilliseconds',
  'blockMilliseconds',
  'kilobytes',
  'uploadKilobytes',
  'arrivedPercent',
  'profileKilobytes',
  'preloadMilliseconds',
  'wakeUpsPerSecond',
]);

function cell(metric, summary) {
  if (summary === undefined) return '';
  const decimals = METRICS[metric][1];
  const value = summary.median.toFixed(decimals);
  if (WITH_WORST.has(metric)) return `${value} (worst ${summary.worst.toFixed(decimals)})`;
  if (summary.ratio === undefined || WITHOUT_RATIO.has(metric)) return value;
  const [ratio, low, high] = [summary.ratio, summary.ratioLow, summary.ratioHigh].map((number) =>
    number.toFixed(3),
  );
  return `${value} (×${ratio}; ${low}–${high})`;
}

/** Why a variant is not in a table. */
function absence(names) {
  return names.map(
    (name) =>
      `${PROFILERS[name].title} needs Node.js ${PROFILERS[name].leastNode}, and was left out: name one with --node.`,
  );
}

function sectionTable(name, table, rounds, absent) {
  const metrics = Object.keys(METRICS).filter((metric) =>
    Object.values(table).some((row) => row[metric] !== undefined),
  );
  const rows = Object.entries(table).map(
    ([variant, row]) =>
      `| ${PROFILERS[variant].title} | ${metrics.map((metric) => cell(metric, row[metric])).join(' | ')} |`,
  );
  return [
    `### ${name}, ${rounds === 1 ? 'one round' : `${rounds} interleaved rounds`}`,
    '',
    `| | ${metrics.map((metric) => METRICS[metric][0]).join(' | ')} |`,
    `|---|${metrics.map(() => '---:|').join('')}`,
    ...rows,
    '',
    ...absence(absent).flatMap((sentence) => [sentence, '']),
  ].join('\n');
}

/** The budgets, met or missed. */
export function budgetTable(verdicts) {
  const rows = verdicts.map(({ what, unit, measured, allowed, floor, met }) => {
    const figure = (number) => (number === undefined ? '' : `${number.toFixed(2)} ${unit}`.trim());
    return `| ${what} | ${figure(allowed)} | ${figure(measured)} | ${figure(floor)} | ${met ? 'met' : 'missed'} |`;
  });
  return [
    '### budgets',
    '',
    '| what | at most | measured | without a profiler | |',
    '|---|---:|---:|---:|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The whole result for a reader: the host, one table for each section with its rounds, and the budgets. */
export function toMarkdown({ command, host, engine, rounds, absent, sections, store, budgets }) {
  const machine = `${host.cpu}, ${host.cores} cores, ${host.system}, Node.js ${host.node}${engine === undefined ? '' : `, engine ${engine}`}`;
  return [
    `\`${command}\` on ${machine}. Medians of the rounds of each section; in brackets the median ratio to the run without a profiler in the same round, and its quartiles.`,
    '',
    ...Object.entries(sections).map(([name, table]) => sectionTable(name, table, rounds[name], absent[name])),
    ...(store === undefined ? [] : [storeTables(store)]),
    ...(budgets.length > 0 ? [budgetTable(budgets)] : []),
  ].join('\n');
}
