import { readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'acorn';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, CLI, ROOT, run } from '../support/spawn.js';

/** Most that a start loads of our own JavaScript, of which there are 16 files with 48,800 bytes. */
const MOST_FILES = 18;
const MOST_BYTES = 60_000;

/**
 * Most CPU time of the preload's JavaScript on the main thread, in times that of loading the yardstick. Medians of 1.8 to
 * 2.3 were measured on each release while other programs wanted ten times the CPUs there were, and no single round of 150
 * was above this. What the native sampler adds is measured by "npm run bench".
 */
const MOST_YARDSTICKS = 3;
const ROUNDS = 15;

/** Plain JavaScript that each module of the yardstick holds so many times; as much as a module of ours, to a third. */
const YARDSTICK_MODULES = 20;
const YARDSTICK_FUNCTIONS = 16;
const yardstickFunction = (name: string): string => `
/** Adds up what lies between two bounds, and leaves out what is not a number. */
exports.${name} = function ${name}(values, least, most) {
  let sum = 0;
  for (const value of values) if (typeof value === 'number' && value >= least && value <= most) sum += value;
  return sum;
};
`;

/** Modules that need each other in a row, and do nothing: what it costs to find, read and compile files here and now. */
function yardstick(): Record<string, string> {
  const modules = Array.from({ length: YARDSTICK_MODULES }, (_, number): [string, string] => {
    const next = number + 1 < YARDSTICK_MODULES ? `require('./yardstick${number + 1}.js');\n` : '';
    const functions = Array.from({ length: YARDSTICK_FUNCTIONS }, (_, place) =>
      yardstickFunction(`sum${number}_${place}`),
    );
    return [`yardstick${number}.js`, next + functions.join('')];
  });
  return Object.fromEntries(modules);
}

interface Measured {
  /** CPU time of the main thread, in milliseconds. */
  preload: number;
  yardstick: number;
  /** The preload's own files, and the bytes in each. */
  files: [name: string, bytes: number][];
}

/**
 * Loads the preload and the yardstick in one process, in the order asked for: whatever the machine does to one, it does to
 * the other. What both need of Node.js is loaded before. The CPU time is the kernel's (proc(5), schedstat), which process.cpuUsage()
 * brings up to date.
 */
function measureScript(folder: string): string {
  return `
    const { readFileSync, statSync } = require('node:fs');
    require('node:module');
    require('node:worker_threads');
    require(${JSON.stringify(join(folder, 'first.js'))});
    const ownCpu = () => {
      process.cpuUsage();
      return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ', 1)[0]) / 1e6;
    };
    ownCpu();
    const load = { preload: ${JSON.stringify(AUTO)}, yardstick: ${JSON.stringify(join(folder, 'yardstick0.js'))} };
    const measured = {};
    for (const name of process.argv.slice(1)) {
      const before = ownCpu();
      require(load[name]);
      measured[name] = ownCpu() - before;
    }
    const files = Object.keys(require.cache).filter((name) => !name.startsWith(${JSON.stringify(folder)}));
    console.log(JSON.stringify({ ...measured, files: files.map((name) => [name, statSync(name).size]) }));`;
}

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: the preload costs little more than its files, and loads none that the start does not need`,
    async (t) => {
      const folder = temporaryFolder(t, { ...yardstick(), 'first.js': '' });
      const env = {
        DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
        // Everything but the native sampler itself.
        EVERFLAME_ENGINE: 'tick',
        NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'missing.node'),
      };
      const script = measureScript(folder);
      const ratios: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const order = round % 2 === 0 ? ['preload', 'yardstick'] : ['yardstick', 'preload'];
        const end = await run(path, ['-e', script, ...order], { env });
        const { preload, yardstick, files } = JSON.parse(end.stdout) as Measured;
        // What takes a binary that the environment names, and says why there is no native sampler, is not part of a start that
        // has one in its usual place.
        const loaded = files.filter(([name]) => !/\/(binary-elsewhere|native-failure|elf)\.js$/.test(name));
        const unneeded = /node_modules|inspector|\/cli\/|nearest|pprof-file/;
        t.deepEqual(
          loaded.filter(([name]) => unneeded.test(name)),
          [],
        );
        const bytes = loaded.reduce((sum, [, size]) => sum + size, 0);
        const said = `${loaded.length} files, ${bytes} bytes`;
        if (round === 0) t.log(said);
        t.true(loaded.length <= MOST_FILES && bytes <= MOST_BYTES, said);
        ratios.push(preload / yardstick);
      }
      ratios.sort((a, b) => a - b);
      const median = ratios[Math.floor(ROUNDS / 2)] ?? Number.NaN;
      t.log(`${median.toFixed(2)} yardsticks: ${ratios.map((ratio) => ratio.toFixed(2)).join(' ')}`);
      t.true(median <= MOST_YARDSTICKS, ratios.join(' '));
    },
  );
}

test('DD_PROFILING_ENABLED=false leaves the preload without a trace', async (t) => {
  const folder = temporaryFolder(t);
  const script = `
    const { Worker } = require('node:worker_threads');
    console.log(process.listenerCount('exit'), process.getMaxListeners(), Worker.name, Object.keys(require.cache).length);`;
  const env = { DD_PROFILING_ENABLED: 'false', DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p') };
  const end = await run(process.execPath, ['--require', AUTO, '-e', script], { env, cwd: folder });
  t.regex(end.stdout, /^0 10 Worker \d+\n$/);
  t.is(end.stderr, '');
  t.deepEqual(profilesIn(join(folder, 'out')), []);
});

test('a value that is neither true nor false is one warning, and the default is used', async (t) => {
  const folder = temporaryFolder(t);
  const env = {
    DD_PROFILING_ENABLED: 'maybe',
    DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
    EVERFLAME_ENGINE: 'inspector',
  };
  const end = await run(process.execPath, ['--require', AUTO, '-e', '0'], { env });
  t.is(
    end.stderr,
    'everflame: warn: DD_PROFILING_ENABLED is "maybe", but it must be true or false; true is used instead.\n',
  );
  t.is(profilesIn(folder).length, 1);
});

for (const [variable, value, line] of [
  [
    'DD_PROFILING_PROFILERS',
    'space',
    'wall time and CPU time are both switched off by DD_PROFILING_PROFILERS, so nothing is profiled. Add wall to it, or unset it.',
  ],
  [
    'DD_PROFILING_STACK_ENABLED',
    'false',
    'wall time and CPU time are both switched off, so nothing is profiled. Set DD_PROFILING_WALLTIME_ENABLED or DD_PROFILING_CPU_ENABLED to true.',
  ],
] as const) {
  test(`where ${variable} leaves nothing to profile, the line says what to change`, async (t) => {
    const env = { [variable]: value, DD_PROFILING_OUTPUT_PPROF: join(temporaryFolder(t), 'p') };
    const end = await run(process.execPath, ['--require', AUTO, '-e', '0'], { env });
    t.is(end.stderr.trimEnd().split('\n').at(-1), `everflame: error: ${line}`);
  });
}

test('the preload adds no signal listener and says nothing', async (t) => {
  const folder = temporaryFolder(t);
  const script = `console.log(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPROF', 'beforeExit', 'uncaughtException', 'unhandledRejection']
    .map((name) => process.listenerCount(name)).join(''));`;
  const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), EVERFLAME_ENGINE: 'inspector' };
  const end = await run(process.execPath, ['--require', AUTO, '-e', script], { env });
  t.is(end.stdout, '0000000\n');
  t.is(end.stderr, '');
});

test("Everflame's own commands are not profiled, and what `run` starts is", async (t) => {
  const folder = temporaryFolder(t);
  const link = join(folder, 'everflame');
  symlinkSync(CLI, link);
  const env = { NODE_OPTIONS: `--require ${AUTO}`, DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
  const ran = await run(process.execPath, [CLI, 'run', process.execPath, '-e', '0'], { env });
  t.is(ran.code, 0, ran.stderr);
  const [profile = '', ...others] = profilesIn(folder);
  t.deepEqual(others, []);
  const commands = [
    ['top', profile],
    ['flame', profile, '-o', join(folder, 'flame.svg')],
    ['--version'],
    ['run', '--help'],
    ['doctor', '--json'],
  ];
  for (const command of [CLI, link]) {
    for (const words of commands) {
      const end = await run(process.execPath, [command, ...words], { env, cwd: folder });
      t.is(end.code, 0, `${words[0]}: ${end.stderr}`);
      t.deepEqual(profilesIn(folder), [profile], words[0]);
    }
  }
});

for (const [what, script] of [
  ['`process` is frozen', 'Object.freeze(process);'],
  ['there is no environment', 'process.env = null;'],
] as const) {
  test(`where ${what} before the preload, one line says so and the next preload has its turn`, async (t) => {
    const folder = temporaryFolder(t, {
      'first.js': script,
      'last.js': "require('node:fs').writeSync(1, 'up');",
    });
    const words = ['./first.js', AUTO, './last.js'].flatMap((file) => ['--require', file]);
    const end = await run(process.execPath, [...words, '-e', '0'], { cwd: folder });
    t.is(end.stdout, 'up');
    const said = end.stderr.split('\n').filter((line) => line.startsWith('everflame'));
    t.is(said.length, 1, end.stderr);
    t.regex(
      said[0] ?? '',
      /^everflame: error: the profiler cannot be loaded: .* The program runs without a profiler\.$/,
    );
  });
}

for (const { major, path } of testNodes()) {
  test(`Node.js ${major}: what a program can see of the profiler is what docs/cli.md lists`, async (t) => {
    const folder = temporaryFolder(t);
    const script = `
    const names = (object) => Reflect.ownKeys(object).map(String);
    console.log(JSON.stringify({
      listeners: Object.fromEntries(process.eventNames().map((name) => [name, process.listenerCount(name)])),
      limit: process.getMaxListeners(),
      process: names(process),
      global: names(globalThis),
      files: Object.keys(require.cache).filter((name) => !name.startsWith(${JSON.stringify(`${ROOT}/`)})),
      resources: process.getActiveResourcesInfo(),
      replaced: [process.reallyExit, require('node:worker_threads').Worker].map(require('node:util').types.isProxy),
    }));`;
    const see = async (...args: string[]) => {
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const end = await run(path, [...args, '-e', script], { env });
      t.deepEqual([end.code, end.stderr], [0, '']);
      return JSON.parse(end.stdout) as {
        listeners: Record<string, number>;
        limit: number;
        process: string[];
        global: string[];
        replaced: boolean[];
      };
    };
    const without = await see();
    const { exit = 0, newListener = 0, removeListener = 0 } = without.listeners;
    t.deepEqual(await see('--require', AUTO), {
      ...without,
      listeners: {
        ...without.listeners,
        exit: exit + 2,
        newListener: newListener + 2,
        removeListener: removeListener + 2,
      },
      limit: without.limit + 3,
      global: [...without.global, 'Symbol(everflame.running)'],
      replaced: [false, true],
    });
  });
}

test('the preload can be parsed by Node.js 12', (t) => {
  for (const file of [AUTO, join(dirname(AUTO), 'old-node.js')]) {
    const text = readFileSync(file, 'utf8');
    t.notThrows(() => parse(text, { ecmaVersion: 2019 }), file);
    t.throws(() => parse(`${text}\nprocess?.exit();`, { ecmaVersion: 2019 }), { instanceOf: SyntaxError });
  }
});

test('on an older Node.js one line says which is needed, and the program runs', async (t) => {
  const folder = temporaryFolder(t, {
    'older.js': `
      const node = '12.22.12';
      Object.defineProperty(process, 'version', { value: 'v' + node });
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node } });`,
  });
  const script = `
    const { Worker } = require('node:worker_threads');
    const inWorker = "console.log('worker', process.version)";
    new Worker(inWorker, { eval: true }).on('exit', (code) => {
      console.log('main', code, Object.keys(require.cache).filter((name) => name.includes('dist')).length);
    });`;
  const end = await run(process.execPath, ['--require', './older.js', '--require', AUTO, '-e', script], {
    env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
    cwd: folder,
  });
  t.is(
    end.stderr,
    'everflame: error: Node.js 20 or later is needed, and this is v12.22.12. The program runs without a profiler.\n',
  );
  t.deepEqual([end.code, end.stdout], [0, 'worker v12.22.12\nmain 0 2\n']);
  t.deepEqual(profilesIn(folder), []);
});
