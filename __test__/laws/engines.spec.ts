import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { foldedStacks, total } from '../support/pprof.js';
import { ROOT, run } from '../support/spawn.js';
import { profileWorkload } from './support/workload.js';

/** CPU time that the kernel charged two loops, in nanoseconds. */
interface Loops {
  userLoop: number;
  kernelLoop: number;
}

const node = testNodes().at(-1);
if (!node) throw new Error('there is no Node.js to test with');

for (const engine of ['tick', 'ctimer', 'perf', 'itimer']) {
  for (const rate of [100, 1000]) {
    const title = `${engine}, ${1000 / rate} ms: CPU time agrees with the kernel, in user code and in the kernel`;
    test.serial(title, async (t) => {
      if (engine === 'perf') {
        const refusal = await refusalOf('perf');
        if (refusal !== undefined) {
          t.regex(refusal, /^the engine perf cannot start: .*perf_event_open.* choose .*EVERFLAME_ENGINE=/);
          t.log('perf_event_open is refused on this machine');
          return;
        }
      }
      const { truth, profiles, least, most, ...said } = await profileWorkload<Loops>(t, node, 'loops', {
        args: ['1500'],
        engine,
        rate,
      });
      t.is(said.engine, engine);
      const cpu = total(profiles, 'cpu');
      t.log(`all: profile ${ms(cpu)} ms, kernel ${ms(least.cpu)} to ${ms(most.cpu)} ms`);
      t.true(cpu >= least.cpu * 0.97 && cpu <= most.cpu * 1.03, `${cpu}, not ${least.cpu}`);
      for (const loop of ['userLoop', 'kernelLoop'] as const) {
        const found = below(foldedStacks(profiles, 'cpu'), loop);
        const samples = below(foldedStacks(profiles, 'sample'), loop);
        t.log(`${loop}: profile ${ms(found)} ms in ${samples} samples, kernel ${ms(truth[loop])} ms`);
        // The process-wide timer is as coarse as the kernel's own tick.
        if (engine === 'itimer' && rate === 1000) continue;
        t.true(Math.abs(found / truth[loop] - 1) < 0.03, `${loop}: ${found}, not ${truth[loop]}`);
      }
    });
  }
}

/** What the profiler says when this engine cannot start, or undefined when it does. */
async function refusalOf(engine: string): Promise<string | undefined> {
  const script = `const { Profiler } = require(${JSON.stringify(ROOT)});
    try { new Profiler({ engine: ${JSON.stringify(engine)}, exporters: [] }).start(); } catch (error) { console.log(error.message); }`;
  const end = await run(node?.path ?? '', ['-e', script]);
  return end.stdout.trim() || undefined;
}

/** Sum of the stacks with this function. */
function below(stacks: Map<string, number>, name: string): number {
  return [...stacks].reduce(
    (sum, [stack, value]) => (stack.split(';').includes(name) ? sum + value : sum),
    0,
  );
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
