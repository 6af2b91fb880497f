import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, readOptions, UsageError } from './options.mjs';
import { PROFILERS } from './profilers.mjs';
import { judge } from './report/budgets.mjs';
import { toMarkdown } from './report/markdown.mjs';
import { rotate, tabulate } from './report/statistics.mjs';
import { judgeStore } from './report/store.mjs';
import { nextMessage, startChild } from './sections/children.mjs';
import { measureDelivery } from './sections/delivery.mjs';
import { measureHandler, RATES } from './sections/handler.mjs';
import { measureIdle } from './sections/idle.mjs';
import { measureInstall } from './sections/install.mjs';
import { measurePauses, SHAPES } from './sections/pauses.mjs';
import { measureProgram, PROGRAMS } from './sections/programs.mjs';
import { measureService } from './sections/service.mjs';
import { measureStart } from './sections/start.mjs';
import { measureStore } from './sections/store.mjs';
import { measureWorkers } from './sections/workers.mjs';

const RESULTS = fileURLToPath(new URL('results', import.meta.url));

/**
 * The parts of the run: title, section of `--only`, rounds, and what one round of one profiler is. `own` are those about
 * everflame alone, `isUploading` those in which profilers upload by themselves.
 */
function partsOf(options) {
  const { rounds } = options;
  return [
    { section: 'service', title: 'service', rounds, measure: measureService },
    ...PROGRAMS.map((program) => ({
      section: 'programs',
      title: `program ${program}`,
      rounds,
      measure: (profiler, settings) => measureProgram(profiler, program, settings),
    })),
    // One process makes several flushes, and a process more or less does not change what a flush does.
    ...SHAPES.map((shape) => ({
      section: 'pauses',
      title: `pauses ${shape}`,
      rounds: Math.ceil(rounds / 3),
      measure: (profiler, settings) => measurePauses(profiler, shape, settings),
    })),
    { section: 'start', title: 'start', rounds: options.starts, measure: measureStart },
    { section: 'workers', title: 'workers', rounds, measure: measureWorkers },
    ...SHAPES.map((shape) => ({
      section: 'delivery',
      title: `delivery ${shape}`,
      isUploading: true,
      rounds,
      measure: (profiler, settings) => measureDelivery(profiler, shape, settings),
    })),
    { section: 'idle', title: 'idle', rounds: 1, measure: measureIdle },
    ...RATES.map((rate) => ({
      section: 'handler',
      title: `handler ${rate} Hz`,
      own: true,
      rounds,
      measure: (_profiler, settings) => measureHandler(rate, settings),
    })),
    { section: 'install', title: 'install', own: true, rounds: 1, measure: measureInstall },
  ].filter(({ section }) => options.sections.includes(section));
}

/** Who takes part, and who would but cannot on this Node.js. */
function competitors({ own = false, isUploading = false }, { profilers }, major) {
  const able = profilers.filter((name) =>
    own ? name === 'everflame' : PROFILERS[name][isUploading ? 'uploading' : 'environment'] !== undefined,
  );
  const isServed = (name) => major >= (PROFILERS[name].leastNode ?? 0);
  return { taking: able.filter(isServed), absent: able.filter((name) => !isServed(name)) };
}

/** Where there are several rounds they are interleaved: each begins with another profiler, so that none always runs first. */
async function measurePart({ title, rounds, measure }, profilers, options) {
  const runs = Object.fromEntries(profilers.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = rotate(profilers, round);
    for (const name of order) {
      console.error(`${title}: round ${round + 1} of ${rounds}, ${PROFILERS[name].title}`);
      runs[name].push(await measure(PROFILERS[name], { ...options, round }));
    }
  }
  return tabulate(runs);
}

function describeHost(node) {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
  };
}

/** The engine that everflame uses; the fallback is refused, since its figures would be taken for the sampler's. */
async function everflameEngine(node) {
  const child = startChild(fileURLToPath(new URL('inside/chosen-engine.cjs', import.meta.url)), { node });
  const { engine, reason } = await nextMessage(child);
  if (engine === 'inspector') throw new UsageError(`The native sampler does not run here: ${reason}`);
  return engine;
}

async function main(args) {
  const options = readOptions(args);
  if (options.help) {
    console.log(HELP);
    return;
  }
  const engine = options.profilers.includes('everflame') ? await everflameEngine(options.node) : undefined;
  const sections = {};
  const rounds = {};
  const absent = {};
  const host = describeHost(options.node);
  const major = Number.parseInt(host.node.slice(1), 10);
  for (const part of partsOf(options)) {
    const { taking, absent: missing } = competitors(part, options, major);
    if (taking.length === 0) continue;
    sections[part.title] = await measurePart(part, taking, options);
    rounds[part.title] = part.rounds;
    absent[part.title] = missing;
  }
  const store = options.sections.includes('store') ? await measureStore(options) : undefined;
  const judged = [...judge(sections, options), ...(store === undefined ? [] : judgeStore(store))];
  const result = {
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    host,
    engine,
    rounds,
    absent,
    sections,
    store,
    budgets: options.quick ? [] : judged,
  };
  const folder = options.output ?? RESULTS;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`);
  const markdown = toMarkdown(result);
  writeFileSync(join(folder, 'bench.md'), markdown);
  console.log(markdown);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
