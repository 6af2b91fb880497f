import { cpus } from 'node:os';
import { join } from 'node:path';
import { installBrowser } from './browser.mjs';
import { buildNative, buildTypeScript, buildViewer, installDependencies } from './build.mjs';
import { BENCH, EXAMPLE, ROOT, run, runScript } from './commands.mjs';
import { installTestNodes } from './nodes.mjs';
import { installReceivers } from './receivers.mjs';
import { countCargoTests, countTapTests, failedTapTests, NO_TESTS } from './results.mjs';
import { checkTools } from './tools.mjs';

const BIN = join(ROOT, 'node_modules', '.bin');
// Output is kept in buffers, so no program may think of it as a terminal.
const ENVIRONMENT = { CARGO_TERM_COLOR: 'never', NO_COLOR: '1', FORCE_COLOR: '0' };

function prepare(body) {
  return async () => {
    await body();
    return { ok: true, output: '', tests: NO_TESTS };
  };
}

/** `failures` picks what tells of failed tests out of the output, for a program that also tells of all the others. */
function command(
  name,
  args,
  { count = () => NO_TESTS, failures, timeoutSeconds = 900, isAside = false } = {},
) {
  return async () => {
    const { code, output, missing } = await run(name, args, { env: ENVIRONMENT, timeoutSeconds, isAside });
    const text = missing ? `${name} was not found.` : output;
    return { ok: code === 0, output: text, failures: failures?.(text), tests: count(text) };
  };
}

const except = (patterns) => patterns.map((pattern) => `!${pattern}`);

/** Test files that need the cores to themselves, and those that do not. */
const MEASURED = [
  '__test__/laws/**',
  '__test__/safety/**',
  '__test__/insights/programs.spec.ts',
  '__test__/facade/inspector.spec.ts',
  '__test__/facade/preload.spec.ts',
];
/** Of these, what compares CPU time with what the kernel charged: another program may have a core meanwhile. */
const CPU_TIME = [
  '__test__/laws/lines.spec.ts',
  '__test__/laws/names.spec.ts',
  '__test__/laws/source-maps.spec.ts',
  '__test__/safety/environment.spec.ts',
  '__test__/safety/terminal.spec.ts',
];
/** Crates whose tests count, whatever else the machine does. */
const STORE = ['everflame-store', 'everflame-store-node'];
const without = (crate) => ['--exclude', crate];

/** Those that drive the page in a browser. */
const PAGE = ['__test__/page/**'];
const OTHERS = ['__test__/**', ...except([...MEASURED, ...PAGE])];

/** The test files of these patterns, so many at a time. */
function ava(patterns, concurrency, timeoutSeconds) {
  return command(join(BIN, 'ava'), ['--tap', '--concurrency', String(concurrency), ...patterns], {
    count: countTapTests,
    failures: failedTapTests,
    timeoutSeconds,
  });
}

/** A script that reports its tests as TAP, with what time others leave where it runs beside them. */
function tapScript(file, timeoutSeconds, { isAside = false } = {}) {
  return async () => {
    const { code, output } = await runScript(file, [], { env: ENVIRONMENT, timeoutSeconds, isAside });
    return { ok: code === 0, output, tests: countTapTests(output) };
  };
}

/** A script that ends well only if what it shows is true counts as one test. */
function script(file, args, timeoutSeconds) {
  return async () => {
    const { code, output } = await runScript(file, args, { timeoutSeconds });
    return { ok: code === 0, output, tests: code === 0 ? { ...NO_TESTS, passed: 1 } : NO_TESTS };
  };
}

/**
 * What `npm test` does, in this order. A step is run only when the steps that it needs went well. Those that are `beside` another
 * run while that one does, one after the other; they come after it here, and need nothing that does.
 */
export const STEPS = [
  { name: 'tools', needs: [], run: prepare(() => checkTools({ forTests: true })) },
  { name: 'dependencies', needs: ['tools'], run: prepare(() => installDependencies(ROOT)) },
  {
    name: 'rustfmt',
    needs: ['tools'],
    run: command('cargo', ['fmt', '--all', '--check', '--', '--color=never']),
  },
  {
    name: 'clippy',
    needs: ['tools'],
    run: command('cargo', ['clippy', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings']),
  },
  { name: 'biome', needs: ['dependencies'], run: command(join(BIN, 'biome'), ['ci', '--colors=off']) },
  { name: 'native', needs: ['dependencies'], run: prepare(buildNative) },
  { name: 'tsc', needs: ['dependencies', 'native'], run: command(join(BIN, 'tsc'), ['--noEmit']) },
  {
    name: 'tsc-viewer',
    needs: ['dependencies'],
    run: command(join(BIN, 'tsc'), ['--noEmit', '-p', 'viewer']),
  },
  { name: 'typescript', needs: ['native'], run: prepare(buildTypeScript) },
  { name: 'viewer', needs: ['dependencies'], run: prepare(buildViewer) },
  {
    name: 'nodes',
    needs: ['tools'],
    run: prepare(async () => {
      ENVIRONMENT.EVERFLAME_TEST_NODES = await installTestNodes();
    }),
  },
  {
    name: 'cargo-test',
    needs: ['nodes'],
    run: command('cargo', ['test', '--locked', '--no-fail-fast', '--workspace', ...STORE.flatMap(without)], {
      count: countCargoTests,
      timeoutSeconds: 1800,
    }),
  },
  {
    name: 'example',
    needs: ['tools'],
    run: prepare(() => installDependencies(EXAMPLE)),
  },
  {
    // Tests run the peer that the benchmarks measure: one lock file says which.
    name: 'peers',
    needs: ['tools'],
    run: prepare(() => installDependencies(BENCH)),
  },
  // The linker of the binaries leaves a core to Go.
  { name: 'receivers', needs: ['tools'], beside: 'native', run: prepare(() => installReceivers()) },
  {
    name: 'measured',
    needs: ['typescript', 'nodes', 'example', 'peers'],
    // Shares of CPU time are asserted, so a test file has the cores to itself where there are few. Twice the 25 minutes that they
    // take, for a loaded machine, and the 14 after which the longest test is told by its name to hang
    // (__test__/safety/workers.spec.ts).
    run: ava([...MEASURED, ...except(CPU_TIME)], Math.max(1, Math.floor(cpus().length / 4)), 3800),
  },
  {
    name: 'cpu-time',
    needs: ['typescript', 'nodes'],
    run: ava(CPU_TIME, cpus().length, 1200),
  },
  {
    name: 'delivered',
    needs: ['typescript', 'nodes', 'receivers', 'example'],
    // They count, and mostly wait.
    run: ava(OTHERS, cpus().length + 2, 2400),
  },
  {
    name: 'browser',
    needs: ['dependencies'],
    run: prepare(async () => {
      ENVIRONMENT.EVERFLAME_TEST_BROWSER = await installBrowser();
    }),
  },
  {
    name: 'page',
    needs: ['viewer', 'browser'],
    // The browser takes what there is of the cores.
    run: ava(PAGE, 1, 1200),
  },
  // All three compile for minutes, and `delivered` waits for minutes.
  {
    name: 'store-test',
    needs: ['tools'],
    beside: 'delivered',
    run: command(
      'cargo',
      ['test', '--locked', '--no-fail-fast', ...STORE.flatMap((crate) => ['-p', crate])],
      {
        count: countCargoTests,
        timeoutSeconds: 1800,
        isAside: true,
      },
    ),
  },
  {
    name: 'portable',
    needs: ['typescript', 'nodes'],
    beside: 'delivered',
    run: tapScript('portable.mjs', 2400, { isAside: true }),
  },
  {
    name: 'arm64',
    needs: ['typescript'],
    beside: 'delivered',
    run: tapScript('arm64.mjs', 2400, { isAside: true }),
  },
  {
    name: 'demo',
    // It looks at the page in the browser of `page`, where there is one.
    needs: ['typescript', 'viewer', 'example'],
    run: script('demo.mjs', ['--check'], 300),
  },
  {
    name: 'bench',
    needs: ['typescript', 'example', 'peers'],
    // Not into bench/results: figures without meaning would take the place of measured ones.
    run: script('bench.mjs', ['--quick', '--output', join(ROOT, '.cache', 'bench-quick')], 600),
  },
];
