import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { driveWithProgress, Service } from './demo/service.mjs';
import { buildNative, buildTypeScript, fromRoot, installDependencies } from './setup/build.mjs';
import { Advice, EXAMPLE, main, ROOT } from './setup/commands.mjs';
import { cpuByFunction, EVERFLAME, everflame } from './setup/everflame.mjs';
import { step } from './setup/progress.mjs';
import { checkTools } from './setup/tools.mjs';

const OUTPUT = join(ROOT, 'demo-output');
const FLAME_GRAPH = join(OUTPUT, 'flame.svg');
/** The function behind the example's performance problem; see docs/getting-started.md. */
const PROBLEM = 'findAuthor';
/** How far up among the service's own functions a reader would look. */
const READ_ROWS = 5;

const HELP = `Usage: npm run demo [-- --seconds=N]

Sets up whatever is missing, drives the example service for a while under the profiler, and shows what its time went to.
The profile and the flame graph are left in demo-output/.

  --seconds   how long the service is driven, 20
  --help      show this text`;

async function prepare() {
  if (process.platform !== 'linux') {
    throw new Advice('The demo shows the native sampler, which exists for Linux; see docs/platforms.md.');
  }
  await checkTools();
  await step('Installing dependencies', async () => {
    await installDependencies(ROOT);
    await installDependencies(EXAMPLE);
  });
  await step('Building (some minutes the first time)', async () => {
    await buildNative();
    await buildTypeScript();
  });
  await rm(OUTPUT, { recursive: true, force: true });
  await mkdir(OUTPUT);
}

/** Profiles the service under load; resolves with the files written. */
async function profileService(seconds) {
  const service = new Service(OUTPUT);
  try {
    const url = await service.address();
    console.log(`Example service on ${url}, started with: everflame run node server.mjs`);
    console.log(`  ${await driveWithProgress(url, seconds)}`);
    await service.stop();
    // The line at the end names paths from the service's folder; below they stand from this one.
    const said = service.written
      .split('\n')
      .filter((line) => line.startsWith('everflame') && !line.includes('look at it with:'));
    for (const line of said) console.log(`  ${line}`);
  } finally {
    service.kill();
  }
  const files = (await readdir(OUTPUT))
    .filter((name) => name.endsWith('.wall.pprof'))
    .map((name) => join(OUTPUT, name));
  if (files.length === 0) throw new Advice(`No profile was written:\n${service.written}`);
  return files;
}

function isOwn({ location }) {
  return location.includes(EXAMPLE) && !location.includes('node_modules');
}

/** The demo has failed unless a reader of the table would find the problem. */
async function checkProblem(files) {
  const { rows, total } = await cpuByFunction(files);
  const own = rows.filter(isOwn);
  const rank = own.findIndex(({ name }) => name === PROBLEM);
  if (rank >= 0 && rank < READ_ROWS) {
    const { self, location } = own[rank];
    const share = ((100 * self) / total).toFixed(1);
    return `The problem is number ${rank + 1} among the service's own functions: ${PROBLEM}, ${share} % of all CPU time, at ${fromRoot(location)}.`;
  }
  const shown = own
    .slice(0, READ_ROWS)
    .map(({ name, location, self }) => `  ${(self / 1e6).toFixed(0)} ms  ${name}  ${fromRoot(location)}`);
  throw new Advice(
    `The profile does not show the known problem: ${PROBLEM} is not among the first ${READ_ROWS} of the service's own functions.\n${shown.join('\n')}`,
  );
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 3600))
    throw new Advice(`--seconds takes a number from 1 to 3600; this is "${values.seconds}".`);
  await prepare();
  const files = await profileService(seconds);
  console.log(`\n${await everflame('top', ...files, '--limit', '15')}`);
  console.log(`\n${await everflame('top', ...files, '--limit', '5', '--by', 'line')}`);
  console.log(`\n${await everflame('top', ...files, '--by', 'thread')}\n`);
  await everflame('flame', ...files, '-o', FLAME_GRAPH);
  console.log(await checkProblem(files));
  console.log('What it is and how to mend it: docs/getting-started.md\n');
  console.log(`profile:     ${files.map(fromRoot).join(' ')}`);
  console.log(`flame graph: ${fromRoot(FLAME_GRAPH)}`);
  console.log(`table:       node ${fromRoot(EVERFLAME)} top ${fromRoot(OUTPUT)}/*.pprof`);
}, HELP);
