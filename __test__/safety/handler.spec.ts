import { join } from 'node:path';
import test from 'ava';
import type { EngineMetrics } from '#src/engine.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total } from '../support/pprof.js';
import { AUTO, type Ended, run } from '../support/spawn.js';

/** The handler rests four times as long as it worked; what a signal costs the kernel is not in its own time. */
const LARGEST_SHARE = 0.25;

for (const { major, path } of testNodes()) {
  for (const engine of ['perf', 'tick']) {
    test.serial(
      `Node.js ${major}, ${engine}: a deep recursion at 10 kHz has most of the time for itself`,
      async (t) => {
        const folder = temporaryFolder(t);
        const script = `${BURN}
          const { readFileSync } = require('node:fs');
          function deep(frames) { if (frames === 0) burn(1500); else deep(frames - 1); }
          /** Nanoseconds on a CPU (proc_pid_schedstat of the kernel's documentation). */
          const ofThread = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);
          const [before, since] = [process.cpuUsage(), ofThread()];
          deep(6000);
          const nanoseconds = ofThread() - since;
          const profiler = globalThis[Symbol.for('everflame.running')];
          console.log(JSON.stringify({ usage: process.cpuUsage(before), nanoseconds, metrics: profiler?.metrics() }));`;
        const env = {
          EVERFLAME_ENGINE: engine,
          EVERFLAME_RATE: '10000',
          DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
        };
        const end = await run(path, ['--require', AUTO, '-e', script], { env });
        if (engine === 'perf' && isWithoutPerf(end)) {
          t.log(`not run: ${end.stderr}`);
          return t.pass();
        }
        t.deepEqual([end.code, end.stderr], [0, '']);
        const { usage, nanoseconds, metrics } = JSON.parse(end.stdout) as {
          usage: NodeJS.CpuUsage;
          /** CPU time of the main thread, whose signals nearly all are. */
          nanoseconds: number;
          metrics: EngineMetrics;
        };
        const { samples = 0, samples_skipped: skipped = 0 } = metrics.counters;
        const spent = (usage.user + usage.system) * 1000;
        const share = inHandler(metrics) / nanoseconds;
        t.log(`${samples} samples, ${skipped} skipped, ${(share * 100).toFixed(1)} % of the CPU time`);
        // Hundreds, however slow a machine walks a deep stack.
        t.true(samples > 200, `${samples}`);
        t.true(skipped > 0);
        t.true(share < LARGEST_SHARE, `${share}`);
        // What was skipped is in no doubt: the threads' clocks have it.
        const cpu = total(profilesIn(folder).map(readProfile), 'cpu');
        t.true(cpu >= spent, `${cpu} of ${spent}`);
        return undefined;
      },
    );
  }

  test.serial(
    `Node.js ${major}: a thread that has slept in a call is not sampled in each of those that do not sleep`,
    async (t) => {
      // By the interpreter alone: the stack pointer is the same in every call then.
      const flags = ['--no-opt', '--no-sparkplug', '--no-maglev', '--require', AUTO];
      const script = `
        const { openSync, readFileSync, readSync } = require('node:fs');
        const [zeros, buffer] = [openSync('/dev/zero'), Buffer.alloc(1 << 16)];
        const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
        function read(file, times) { while (times-- > 0) readSync(file, buffer); }
        function deep(frames) {
          if (frames > 0) return deep(frames - 1);
          read(0, 1);
          for (const end = used() + 1e6; used() < end; ) read(zeros, 50);
        }
        const ofThread = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);
        const since = ofThread();
        deep(3000);
        const nanoseconds = ofThread() - since;
        console.log(JSON.stringify({ nanoseconds, metrics: globalThis[Symbol.for('everflame.running')].metrics() }));`;
      // The first call waits for the pipe.
      const end = await run('sh', ['-c', 'sleep 0.3 | "$@"', 'sh', path, ...flags, '-e', script], {
        env: { EVERFLAME_ENGINE: 'perf', EVERFLAME_RATE: '10000', EVERFLAME_EXPORTERS: 'none' },
      });
      if (isWithoutPerf(end)) {
        t.log(`not run: ${end.stderr}`);
        return t.pass();
      }
      t.deepEqual([end.code, end.stderr], [0, '']);
      const { nanoseconds, metrics } = JSON.parse(end.stdout) as {
        nanoseconds: number;
        metrics: EngineMetrics;
      };
      const share = inHandler(metrics) / nanoseconds;
      t.log(`${metrics.counters.samples} samples, ${(share * 100).toFixed(1)} % of the CPU time`);
      t.true((metrics.counters.samples ?? 0) > 200);
      t.true(share < LARGEST_SHARE, `${share}`);
      return undefined;
    },
  );
}

/** The other engines have no more signals than the kernel's ticks. */
function isWithoutPerf({ stderr }: Ended): boolean {
  return /perf_event_open/.test(stderr);
}

/** Nanoseconds of all calls of the handler. */
function inHandler({ handler }: EngineMetrics): number {
  return handler.reduce((sum, { nanoseconds, count }) => sum + nanoseconds * count, 0);
}
