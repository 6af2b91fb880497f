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

/** The kernel notes the start of a thread in hundredths of a second. */
const START_RESOLUTION = 20e6;
/** That a thread has ended is seen from outside: a tick later, and later still where every CPU is busy. */
const END_SEEN_LATE = 60e6;

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
        // The threads end a little after they have read their own clock.
        t.true(
          found >= charged * 0.97 && found <= charged * 1.03 + 20e6,
          `${name}: cpu ${found}, not ${charged}`,
        );
        const slack = life.least * 0.01 + START_RESOLUTION;
        // The profile ends a little after the program has looked at the clock.
        const late = name.startsWith('worker') ? END_SEEN_LATE : most.time - least.time;
        t.true(
          wall >= life.least - slack && wall <= life.most + late + slack,
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
