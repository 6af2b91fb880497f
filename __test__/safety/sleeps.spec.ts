import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { foldedStacks, readProfile, withLabel } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const WORKLOADS = join(ROOT, '__test__', 'workloads', 'safety');
const MAIN = withLabel('thread name', 'Main Event Loop');
const ENGINES = ['auto', 'tick'] as const;

/**
 * A signal for a running thread can meet it on its way into a sleep. A kernel timer comes while the thread is on a CPU; the
 * signal that the observer sends with `tick` needs some microseconds to another CPU, and more on a loaded host. Without care
 * for sleeping threads all sleeps are interrupted.
 */
const MOST_INTERRUPTED = { auto: 0.02, tick: 0.2 };

/** Builds the addon that sleeps. */
function addonIn(folder: string): string {
  const addon = join(folder, 'sleeps.node');
  const flags = ['-Wall', '-Werror', '-O2', '-shared', '-fPIC', '-pthread', '-o', addon];
  execFileSync('cc', [...flags, join(WORKLOADS, 'sleeps.c')]);
  return addon;
}

interface Sleeps {
  calls: Record<string, { sleeps: number; interrupted: number; early: number; milliseconds: number }>;
  counters?: Record<string, number>;
}

/** A wait for a locked database; times are in milliseconds. */
interface Wait {
  timeout: number;
  result: string;
  milliseconds: number;
}

for (const { major, path } of testNodes()) {
  for (const engine of ENGINES) {
    test.serial(
      `Node.js ${major}, ${engine}: sleeps that no kernel restarts are whole, and stand where they are made`,
      async (t) => {
        const folder = temporaryFolder(t);
        const addon = addonIn(folder);
        const program = join(WORKLOADS, 'sleeps.cjs');
        const end = await run(path, ['--require', AUTO, program, addon], {
          env: {
            EVERFLAME_RATE: '1000',
            EVERFLAME_ENGINE: engine,
            DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
          },
          timeout: 60_000,
        });
        t.deepEqual([end.code, end.stderr], [0, '']);
        const { calls, counters = {} } = JSON.parse(end.stdout) as Sleeps;
        const all = Object.values(calls);
        const count = (what: 'sleeps' | 'interrupted' | 'early'): number =>
          all.reduce((sum, call) => sum + call[what], 0);
        const [sleeps, interrupted, early] = [count('sleeps'), count('interrupted'), count('early')];
        const what = `${interrupted} of ${sleeps} sleeps interrupted, ${early} early`;
        t.true(interrupted <= sleeps * MOST_INTERRUPTED[engine], `${what}: ${JSON.stringify(calls)}`);
        // Each sleep was at a place that was not known any more.
        const { stacks_read: read = 0, stacks_read_nanoseconds: time = 0 } = counters;
        t.log(`${what}; ${read} stacks read, ${(time / 1000 / read).toFixed(1)} µs each`);
        t.true(read >= sleeps / 2, `${read} stacks read`);

        const source = readFileSync(program, 'utf8').split('\n');
        const stacks = [
          ...foldedStacks(profilesIn(folder).map(readProfile), 'wall', {
            filter: MAIN,
            show: ({ name, line }) => `${name}:${line}`,
          }),
        ];
        for (const [name, { milliseconds }] of Object.entries(calls)) {
          const line = source.findIndex((text) => text.includes(`  ${name}: `)) + 1;
          const wall = stacks
            .filter(([stack]) => stack.split(';').includes(`${name}:${line}`))
            .reduce((sum, [, value]) => sum + value / 1e6, 0);
          t.log(`${name}: ${wall.toFixed(0)} of ${milliseconds.toFixed(0)} ms`);
          t.true(
            Math.abs(wall - milliseconds) < milliseconds * 0.15,
            `${name}: ${wall} of ${milliseconds} ms`,
          );
        }
      },
    );
  }

  test.serial(
    `Node.js ${major}: a sleep below several layers of JavaScript has them all in order`,
    async (t) => {
      const folder = temporaryFolder(t);
      const program = join(WORKLOADS, 'sleeps-in-layers.cjs');
      const end = await run(path, ['--require', AUTO, program, addonIn(folder)], {
        env: { EVERFLAME_RATE: '1000', DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
      });
      t.deepEqual([end.code, end.stderr], [0, '']);
      const milliseconds = Number(end.stdout);
      const layers = [
        'start_thread',
        'parse',
        'InternalizeJsonProperty',
        'revive',
        'RunInContext',
        'inScript',
      ];
      const shape = new RegExp(
        [...layers, 'sleepByAddon', 'by_poll'].map((name) => `\\b${name}\\b`).join('.*'),
      );
      const stacks = [...foldedStacks(profilesIn(folder).map(readProfile), 'wall')];
      const [whole, all] = [shape, /\bby_poll\b/].map((pattern) =>
        stacks.filter(([stack]) => pattern.test(stack)).reduce((sum, [, value]) => sum + value / 1e6, 0),
      ) as [number, number];
      t.log(`${whole.toFixed(0)} of ${all.toFixed(0)} ms in order, truth ${milliseconds.toFixed(0)} ms`);
      t.true(whole > all * 0.95 && all > milliseconds * 0.85, `${whole} of ${all} of ${milliseconds} ms`);
    },
  );

  test.serial(`Node.js ${major}: a database that is locked for a while is waited for`, async (t) => {
    if (Number(major) < 22) {
      const { stderr } = await run(path, ['-e', "require('node:sqlite')"]);
      t.regex(stderr, /No such built-in module: node:sqlite/);
      t.log(`not tested: Node.js ${major} has no node:sqlite`);
      return;
    }
    const folder = temporaryFolder(t);
    const program = join(WORKLOADS, 'locked-database.cjs');
    const flags = ['--no-warnings', '--experimental-sqlite'];
    const end = await run(path, [...flags, '--require', AUTO, program, join(folder, 'database')], {
      env: { EVERFLAME_RATE: '1000', DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
      timeout: 90_000,
    });
    t.deepEqual([end.code, end.stderr], [0, '']);
    const { gaveUp, waited } = JSON.parse(end.stdout) as Record<'gaveUp' | 'waited', Wait>;
    t.deepEqual([gaveUp.result, waited.result], ['database is locked', 'inserted'], end.stdout);
    // As many sleeps may be cut short as above.
    t.true(gaveUp.milliseconds > gaveUp.timeout * (1 - MOST_INTERRUPTED.auto), end.stdout);
    const milliseconds = gaveUp.milliseconds + waited.milliseconds;
    const stacks = [...foldedStacks(profilesIn(folder).map(readProfile), 'wall', { filter: MAIN })];
    const asleep = stacks
      .filter(([stack]) => stack.includes(';insertRow;') && stack.includes('nanosleep'))
      .reduce((sum, [, value]) => sum + value / 1e6, 0);
    t.log(`${asleep.toFixed(0)} of ${milliseconds.toFixed(0)} ms`);
    t.true(asleep > milliseconds * 0.8 && asleep < milliseconds * 1.1, `${asleep} of ${milliseconds} ms`);
  });
}
