import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { foldedStacks, shareOf, total, withLabel } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

/** CPU time that the kernel charged while each ran, in nanoseconds. */
type Names = { spent: Record<keyof typeof EXPECTED, number> };

/** Two points of the CPU time of the thread: a sample stands for up to 4 ms here, and half a point off was measured. */
const TOLERANCE = 0.02;

/** How each is called, as `name` or `name@file:line`, where it burns. */
const EXPECTED = {
  callsWasm: /;wasmSpin[^;]*@/,
  callsRegExp: /;RegExp: \/\^\(a\+\)\+\$\/@/,
  // The loop stands on the fourth line of the text that was evaluated, which says what it is to be called.
  callsEvaluated: /;evaluatedSpin@made-by-eval\.js:4(;|$)/,
  callsCompiler: /;callsCompiler@.*;v8::internal::Compiler::/,
  callsCollector: /;callsCollector@.*;\(garbage collector\)@/,
  // What is collected for it, at whatever allocation that begins, is among its own.
  makesGarbage: /;makesGarbage@.*;fill@/,
};

for (const node of testNodes()) {
  test.serial(
    `Node.js ${node.major}: WebAssembly, regular expressions, evaluated code, the compiler and the collector have names`,
    async (t) => {
      const { truth, profiles } = await profileWorkload<Names>(t, node, 'names', {
        // The collector's helpers on other threads would not be in the truth.
        flags: ['--expose-gc', '--single-threaded-gc', '--min-semi-space-size=64'],
        rate: 1000,
        // Interrupts by CPU time alone, so a machine with more to do changes nothing here.
        engine: 'ctimer',
      });
      const filter = withLabel('thread name', 'Main Event Loop');
      const all = total(profiles, 'cpu', filter);
      const stacks = foldedStacks(profiles, 'cpu', {
        filter,
        show: ({ name, file, line }) => `${name}@${file}:${line}`,
      });
      for (const [kind, expected] of Object.entries(EXPECTED)) {
        const found = [...stacks].reduce(
          (sum, [stack, value]) => (expected.test(stack) ? sum + value : sum),
          0,
        );
        const spent = truth.spent[kind as keyof typeof EXPECTED];
        const points = (((found - spent) / all) * 100).toFixed(2);
        t.log(
          `${kind}: ${(found / 1e6).toFixed(1)} ms, kernel ${(spent / 1e6).toFixed(1)} ms, ${points} points`,
        );
        t.true(Math.abs(found - spent) / all < TOLERANCE, `${kind}: ${found}, not ${spent}`);
      }
      const collected = shareOf(profiles, 'cpu', '(garbage collector)', ({ frames }) =>
        frames.some(({ name }) => name === 'fill'),
      );
      t.log(`collected for makesGarbage: ${(collected * 100).toFixed(1)} % of it`);
      t.true(collected > 0.1, `${collected}`);
    },
  );
}
