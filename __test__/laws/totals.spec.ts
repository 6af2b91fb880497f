import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { total, totalsByLabel } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

interface Threads {
  threads: {
    name: string;
    tid: number;
    /** CPU time that the kernel charged the thread, in nanoseconds. */
    cpu: number;
    /** Time from start to end, in nanoseconds, as exactly as the program can know it. */
    life: { least: number; most: number };
  }[];
}

/**
 * The least that a thread must live, in nanoseconds. What nobody can know is small beside one per cent of it: the kernel
 * notes a start in hundredths of a second, and that a thread has ended is seen from outside, a tick later.
 */
const LONG_LIFE = 14e9;
/** The least that a worker must use, in nanoseconds: it cannot know what it uses after its last statement. */
const MUCH_CPU = 0.9e9;

for (const node of testNodes()) {
  test.serial(
    `Node.js ${node.major}: CPU time adds up to the kernel's figure, wall time to lifetimes`,
    async (t) => {
      const { truth, profiles, least, most } = await profileWorkload<Threads>(t, node, 'threads');
      const cpu = total(profiles, 'cpu');
      t.log(`cpu: profile ${ms(cpu)} ms, kernel ${ms(least.cpu)} to ${ms(most.cpu)} ms`);
      t.true(cpu >= least.cpu * 0.97 && cpu <= most.cpu * 1.03, `${cpu} is not within 3 % of ${least.cpu}`);

      t.deepEqual(truth.threads.map(({ name }) => name.split(' ')[0]).sort(), [
        'main',
        'pool',
        'pool',
        'pool',
        'pool',
        'worker',
        'worker',
      ]);
      const cpuByThread = totalsByLabel(profiles, 'cpu', 'os thread id');
      const wallByThread = totalsByLabel(profiles, 'wall', 'os thread id');
      for (const { name, tid, cpu: charged, life } of truth.threads) {
        const found = cpuByThread.get(String(tid)) ?? 0;
        const wall = wallByThread.get(String(tid)) ?? 0;
        t.log(`${name}: cpu ${ms(found)} of ${ms(charged)} ms, wall ${ms(wall)} of ${ms(life.least)} ms`);
        if (name !== 'pool') t.true(charged >= MUCH_CPU, `${name} used ${charged} ns`);
        // The profile has the main thread's part in the start and the stop, which its own figure leaves out.
        const around = name === 'main' ? most.cpu - least.cpu : 0;
        t.true(
          found >= charged * 0.97 && found <= (charged + around) * 1.03,
          `${name}: cpu ${found}, not ${charged}`,
        );
        t.true(life.least >= LONG_LIFE, `${name} lived ${life.least} ns`);
        // It begins and ends around what these threads looked at the clock for.
        const longer = name.startsWith('worker') ? 0 : most.time - least.time;
        t.true(
          wall >= life.least * 0.99 && wall <= (life.most + longer) * 1.01,
          `${name}: wall ${wall}, not ${life.least}`,
        );
      }
      // The program has stopped the profiler before its profile was made; its threads count all the same.
      const cpuByName = totalsByLabel(profiles, 'cpu', 'thread name');
      for (const own of ['everflame-obs', 'everflame-agg']) t.true((cpuByName.get(own) ?? 0) > 0, own);
    },
  );
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
