import test, { type ExecutionContext } from 'ava';
import { type TestNode, testNodes } from '../support/nodes.js';
import { foldedStacks, withLabel } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

/** Nanoseconds. */
interface ShortTurns {
  /** In the function that works, whoever had the CPU meanwhile. */
  worked: number;
}

for (const node of testNodes()) {
  test.serial(
    `Node.js ${node.major}: who works for a moment has no wall time of the sleep before it`,
    async (t) => {
      await Promise.all([
        // More than a twentieth of a core, and less: then the observer waits for the process's clock.
        checkTurns(t, node, { workMs: 1, sleepMs: 15, engine: 'ctimer' }),
        checkTurns(t, node, { workMs: 2, sleepMs: 50, engine: 'tick' }),
        checkTurns(t, node, { workMs: 2, sleepMs: 50, engine: 'ctimer' }),
      ]);
    },
  );
}

interface Turns {
  workMs: number;
  sleepMs: number;
  engine: string;
}

async function checkTurns(t: ExecutionContext, node: TestNode, { workMs, sleepMs, engine }: Turns) {
  const { truth, profiles } = await profileWorkload<ShortTurns>(t, node, 'short-turns', {
    engine,
    args: [String(workMs), String(sleepMs)],
  });
  const filter = withLabel('thread name', 'Main Event Loop');
  const sum = (type: string, name?: string) =>
    [...foldedStacks(profiles, type, { filter })].reduce(
      (all, [stack, value]) => (name === undefined || stack.split(';').includes(name) ? all + value : all),
      0,
    );
  const [wall, cpu, total] = [sum('wall', 'workShortly'), sum('cpu', 'workShortly'), sum('wall')];
  const figures = `${engine}, ${workMs} and ${sleepMs} ms: ${ms(wall)} ms of wall time and ${ms(cpu)} ms of CPU time, truth ${ms(truth.worked)} ms, of ${ms(total)} ms`;
  t.log(figures);
  // Some twenty samples and more, of which chance may take half. With the sleeps it would be most of the time.
  if (engine !== 'tick') t.true(wall > cpu / 2, figures);
  t.true(wall < truth.worked + total / 8, figures);
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(0);
}
