import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, totalsByLabel } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const BURN = `function burn(ms) { const end = Date.now() + ms; while (Date.now() < end) Math.sqrt(end); }`;
/** What a worker sees of its own start, as one line. */
const FACTS = `
  const { parentPort, workerData, threadId } = require('node:worker_threads');
  ${BURN} burn(60);
  console.log(JSON.stringify({ execArgv: process.execArgv, env: process.env.ONLY ?? null, argv: process.argv.slice(2), workerData }));`;

const VARIANTS: [name: string, options: string][] = [
  ['no options but eval', '{}'],
  ['workerData and argv', '{ workerData: { a: [1] }, argv: ["x"] }'],
  ['env', '{ env: { ONLY: "this", EVERFLAME_LOG_LEVEL: "debug" } }'],
  ['SHARE_ENV', '{ env: SHARE_ENV }'],
  ['empty execArgv', '{ execArgv: [] }'],
  ['execArgv', '{ execArgv: ["--no-warnings"] }'],
  ['execArgv and env', '{ execArgv: ["--no-warnings"], env: { ONLY: "that" } }'],
];

/** Makes one worker after the other, waits for each, and prints what each saw. */
function program(prologue: string): string {
  return `
    ${prologue}
    (async () => {
      const { Worker, SHARE_ENV } = require('node:worker_threads');
      for (const options of [${VARIANTS.map(([, options]) => options).join(', ')}]) {
        const worker = new Worker(${JSON.stringify(FACTS)}, { ...options, eval: true });
        await new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
      }
    })();`;
}

test('what the options of a worker inherit counts, and what is no object is for Node.js to refuse', async (t) => {
  const program = (prologue: string) => `
    ${prologue}
    const { Worker } = require('node:worker_threads');
    class Options { get workerData() { return 5; } get eval() { return true; } }
    for (const options of [Object.create({ workerData: 5, eval: true }), new Options()]) {
      new Worker('console.log(require("node:worker_threads").workerData)', options);
    }
    try { new Worker('1', null); } catch (error) { console.log(error.code); }`;
  const profiled = program(`new (require(${JSON.stringify(ROOT)}).Profiler)({ exporters: [] }).start();`);
  const end = await run(process.execPath, ['-e', profiled], { env: { EVERFLAME_ENGINE: 'inspector' } });
  t.deepEqual([end.code, end.stderr], [0, '']);
  const plain = await run(process.execPath, ['-e', program('')]);
  t.deepEqual(end.stdout.trim().split('\n').sort(), plain.stdout.trim().split('\n').sort());
  t.is(end.stdout.match(/^5$/gm)?.length, 2);
});

// V8's own flags and those of the whole process are refused for a worker when named.
const FLAGS = ['--expose-gc', '--no-deprecation', '--title=workers', '--stack-trace-limit=20'];

for (const { major, path } of testNodes()) {
  for (const way of ['by hand', 'preload'] as const) {
    test(`Node.js ${major}, ${way}: every worker is profiled and sees what it would see without us`, async (t) => {
      const folder = temporaryFolder(t);
      const prefix = join(folder, 'p');
      const env = { EVERFLAME_ENGINE: 'inspector', DD_PROFILING_OUTPUT_PPROF: prefix };
      const byHand = `new (require(${JSON.stringify(ROOT)}).Profiler)().start();`;
      const plain = await run(path, [...FLAGS, '-e', program('')]);
      const profiled =
        way === 'by hand'
          ? await run(path, [...FLAGS, '-e', program(byHand)], { env })
          : await run(path, [...FLAGS, '-e', program('')], {
              env: { ...env, NODE_OPTIONS: `--require ${AUTO}` },
            });
      t.is(profiled.code, 0, profiled.stderr);
      t.is(profiled.stderr, '');
      t.is(plain.stdout.trim().split('\n').length, VARIANTS.length);
      // The script is in the flags of the process, and differs.
      const facts = (output: string) =>
        output
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { execArgv: string[] })
          .map((fact) => ({ ...fact, execArgv: fact.execArgv.filter((flag) => !flag.includes('Worker')) }));
      t.deepEqual(facts(profiled.stdout), facts(plain.stdout));
      const walls = totalsByLabel(profilesIn(folder).map(readProfile), 'wall', 'thread name');
      for (const [index, [name]] of VARIANTS.entries()) {
        t.true((walls.get(`Worker #${index + 1} Event Loop`) ?? 0) > 50e6, `${name}: ${[...walls]}`);
      }
    });
  }
}

test('workers of modules, of subclasses and of workers are profiled too', async (t) => {
  const folder = temporaryFolder(t, {
    'main.mjs': `
      import { Profiler } from ${JSON.stringify(join(ROOT, 'dist', 'index.js'))};
      import { Worker } from 'node:worker_threads';
      new Profiler().start();
      class Mine extends Worker { name = 'mine'; }
      const worker = new Mine(new URL('./outer.cjs', import.meta.url));
      console.log(worker instanceof Worker, worker instanceof Mine, worker.name, Mine.name, Worker.name);
      const plain = new Worker('', { eval: true });
      console.log(plain instanceof Worker, plain.constructor === Worker, plain.threadId > 0);`,
    'outer.cjs': `
      const { Worker } = require('node:worker_threads');
      ${BURN} burn(60);
      new Worker(require.resolve('./inner.cjs'), { env: {} });`,
    'inner.cjs': `${BURN} burn(60);`,
  });
  const end = await run(process.execPath, ['main.mjs'], {
    cwd: folder,
    env: { EVERFLAME_ENGINE: 'inspector', DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
  });
  t.is(end.stderr, '');
  t.is(end.stdout, 'true true mine Mine Worker\ntrue true true\n');
  const walls = totalsByLabel(profilesIn(folder).map(readProfile), 'wall', 'thread name');
  t.true((walls.get('Worker #1 Event Loop') ?? 0) > 50e6, String([...walls]));
  t.true((walls.get('Worker #3 Event Loop') ?? 0) > 50e6, String([...walls]));
});

test('errors of the caller are those of Node.js', async (t) => {
  const script = `
    const { Worker } = require('node:worker_threads');
    for (const args of [[], [7], ['', { eval: true, execArgv: 'x' }], ['', { eval: true, execArgv: [1] }],
      ['', { eval: true, execArgv: ['--expose-gc'] }], ['', { eval: true, env: 3 }], ['relative.js']]) {
      try { new Worker(...args); console.log('made'); } catch (error) { console.log(error.code, error.message); }
    }`;
  const plain = await run(process.execPath, ['-e', script]);
  const start = `new (require(${JSON.stringify(ROOT)}).Profiler)({ exporters: [] }).start();`;
  const profiled = await run(process.execPath, ['-e', start + script], {
    env: { EVERFLAME_ENGINE: 'inspector' },
  });
  t.is(profiled.stdout, plain.stdout);
  t.is(plain.stdout.trim().split('\n').length, 7);
});

test('after stop() the original class is back, for modules too', async (t) => {
  const script = `
    import { Profiler } from ${JSON.stringify(join(ROOT, 'dist', 'index.js'))};
    import workerThreads, { Worker } from 'node:worker_threads';
    const before = Worker;
    const profiler = new Profiler({ exporters: [] }).start();
    console.log(Worker !== before, workerThreads.Worker === Worker);
    await profiler.stop();
    console.log(Worker === before, Worker.prototype.constructor === before);`;
  const end = await run(process.execPath, ['--input-type=module', '-e', script], {
    env: { EVERFLAME_ENGINE: 'inspector' },
  });
  t.is(end.stdout, 'true true\ntrue true\n', end.stderr);
});
