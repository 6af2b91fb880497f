import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { foldedStacks, withLabel } from '../support/pprof.js';
import { profileWorkload, runWorkload } from './support/workload.js';

const KINDS = ['waitForTime', 'waitOften', 'waitForChild', 'waitForPipe'] as const;

interface Sleep {
  /** What the system calls gave the program. */
  result: unknown;
  /** Nanoseconds. */
  time: number;
}

type Sleeping = Record<(typeof KINDS)[number], Sleep> & { sleeper: Sleep & { tid: number } };

for (const node of testNodes()) {
  test.serial(`Node.js ${node.major}: sleeps are whole, and stand at the function that sleeps`, async (t) => {
    const plain = await runWorkload<Sleeping>(t, node, 'sleeping', { args: [temporaryFolder(t)] });
    const { truth, profiles, counters } = await profileWorkload<Sleeping>(t, node, 'sleeping', {
      args: [temporaryFolder(t)],
      rate: 1000,
    });
    // Sixty of the sleeps begin at a place that is not known any more: thirty in a read of a pipe, which a signal may
    // interrupt, and thirty in a wait with a time-out, which it may not.
    const { signals_asleep: signals = 0, stacks_read: read = 0 } = counters;
    t.log(`${signals} signals to sleeping threads, ${read} stacks read from outside`);
    t.true(signals >= 20);
    t.true(read >= 20);
    for (const kind of KINDS) {
      t.deepEqual(truth[kind].result, plain[kind].result, kind);
      // Thirty times 20 ms, 600 ms, or thirty times 30 ms that begin when the pipe is opened.
      t.true(truth[kind].time >= 600e6, `${kind} ended after ${truth[kind].time} ns`);
      const wall = wallOf(kind);
      t.log(`${kind}: ${ms(wall)} ms, truth ${ms(truth[kind].time)} ms`);
      t.true(Math.abs(wall - truth[kind].time) < 100e6, `${kind}: ${wall}, not ${truth[kind].time}`);
    }
    // Nobody woke it, and no sample of it was taken for seconds.
    const { tid, time } = truth.sleeper;
    const wall = wallOf('sleepForEver', tid);
    t.log(`asleep at the end: ${ms(wall)} ms, truth ${ms(time)} ms`);
    t.true(Math.abs(wall - time) < 100e6, `${wall}, not ${time}`);

    function wallOf(name: string, thread?: number): number {
      const filter = thread === undefined ? {} : { filter: withLabel('os thread id', String(thread)) };
      return [...foldedStacks(profiles, 'wall', filter)].reduce(
        (sum, [stack, value]) => (stack.split(';').includes(name) ? sum + value : sum),
        0,
      );
    }
  });
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
