// How long the page takes for a frame while a reader moves in a wide flame graph.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installBrowser } from '../scripts/setup/browser.mjs';
import { launchBrowser } from '../scripts/setup/launch-browser.mjs';
import { INTERACTIONS, measureAll } from './frames/interactions.mjs';
import { wideProfile } from './frames/wide-profile.mjs';
import { positive, UsageError } from './options.mjs';
import { quantile } from './report/statistics.mjs';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const NODES = 100_000;
const ROUNDS = 3;
/** Steps of an interaction in a round. */
const STEPS = 240;
const SCREEN = { width: 1920, height: 1080 };
/** A frame that took longer than this was late: of 60 a second, one has 16.7 ms. */
const LATE_MILLISECONDS = 25;

const WHAT = {
  still: 'nothing',
  zoom: 'zooming by the wheel',
  pan: 'moving sideways',
  point: 'pointing',
  search: 'searching, a letter in each eighth frame',
};

const HELP = `Usage: node bench/frames.mjs [options]

Opens a flame graph in Chromium, and measures the intervals between frames while it is zoomed, moved, pointed at and searched in each
of them (docs/benchmarks.md). Needs the page and the collector ("npm run build") and takes about a minute.

  --nodes N    frames of the graph, ${NODES.toLocaleString('en')}
  --rounds N   interleaved rounds of ${STEPS} steps each, ${ROUNDS}
  --json       every single interval instead of the table
  --help       show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        nodes: { type: 'string' },
        rounds: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
}

/** Runs the collector with a file, and answers with the address of its page. */
async function view(file) {
  const child = spawn(process.execPath, [CLI, 'view', '--no-open', '--port', '0', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const address = new Promise((resolve, reject) => {
    const read = (chunk) => {
      said += chunk;
      const found = said.match(/http:\S+/);
      if (found) resolve(found[0]);
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    child.once('exit', () => reject(new Error(`The collector has ended: ${said}`)));
  });
  return { child, address: await address };
}

/** Opens the graph with all of its nodes: unasked, the collector sends 65,536 at most. */
async function openGraph(browser, address, nodes) {
  const context = await browser.newContext({ viewport: SCREEN, locale: 'en-GB' });
  const page = await context.newPage();
  await page.route('**/api/v1/tree?*', (route) =>
    route.continue({ url: `${route.request().url()}&nodes=1000000` }),
  );
  await page.goto(`${address}&fold=0`);
  await page.locator('.foot').getByText(`${nodes} nodes`).waitFor();
  return page;
}

async function measure(nodes, rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-frames-'));
  const file = join(folder, 'wide.pprof');
  writeFileSync(file, wideProfile(nodes));
  const browser = await launchBrowser(await installBrowser());
  try {
    const { child, address } = await view(file);
    try {
      const page = await openGraph(browser, address, nodes);
      return { browser: browser.version(), measured: await measureAll(page, { rounds, steps: STEPS }) };
    } finally {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

function table(measured) {
  const rows = INTERACTIONS.map((name) => {
    const { intervals, script, tasks } = measured[name];
    const figures = [0.5, 0.95, 0.99, 1].map((share) => quantile(intervals, share).toFixed(1));
    const late =
      (intervals.filter((interval) => interval > LATE_MILLISECONDS).length / intervals.length) * 100;
    const work = [script, tasks].map((all) => (all / intervals.length).toFixed(1));
    return `| ${[WHAT[name], ...figures, `${late.toFixed(1)} %`, ...work].join(' | ')} |`;
  });
  return [
    '| in each frame | median ms | p95 | p99 | longest | late | script, CPU ms | main thread, CPU ms |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

async function main() {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const nodes = positive(options.nodes, NODES, '--nodes');
  const rounds = positive(options.rounds, ROUNDS, '--rounds');
  const load = loadavg();
  const { browser, measured } = await measure(nodes, rounds);
  if (options.json) return console.log(JSON.stringify({ nodes, load, browser, measured }));
  const loads = [load, loadavg()].map(([minute]) => minute.toFixed(1)).join(' before, ');
  console.log(
    `Chromium ${browser} without a GPU, ${SCREEN.width} × ${SCREEN.height}, ${nodes.toLocaleString('en')} frames; ${cpus()[0].model.trim()}, ${cpus().length} cores, load ${loads} after.\n\n${table(measured)}`,
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
