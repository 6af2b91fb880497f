import test from 'ava';
import { type TestNode, testNodes } from '../support/nodes.js';
import { type Filter, foldedStacks } from '../support/pprof.js';
import { linesWithin } from './support/lines.js';
import { profileWorkload } from './support/workload.js';

interface Lines {
  /** Line numbers of the lines that burn. */
  lines: { first: number; second: number; call: number; callee: number };
  /** CPU time that the kernel charged at each, in nanoseconds. */
  spent: { first: number; second: number; call: number };
  /** What kind of code V8 says it ran. */
  tier: string;
}

/** The flags that forbid every better kind of code, and whether what is left has run. */
const TIERS: { flags: string[]; ran: (node: TestNode, tier: string, trace: string) => boolean }[] = [
  { flags: ['--no-opt', '--no-sparkplug', '--no-maglev'], ran: (_, tier) => tier === 'interpreter' },
  // For other profilers: each interpreted function has an entry of its own in the stack.
  {
    flags: ['--no-opt', '--no-sparkplug', '--no-maglev', '--interpreted-frames-native-stack'],
    ran: (_, tier) => tier === 'interpreter',
  },
  { flags: ['--no-opt', '--always-sparkplug', '--no-maglev'], ran: (_, tier) => tier === 'sparkplug' },
  {
    flags: ['--no-turbofan', '--maglev', '--trace-opt'],
    // Node.js is built without Maglev before 24.
    ran: ({ major }, tier, trace) => (Number(major) >= 24 ? made(trace, 'MAGLEV') : tier === 'sparkplug'),
  },
  ...[[], ['--interpreted-frames-native-stack']].map((flags) => ({
    flags: ['--trace-opt', '--trace-turbo-inlining', ...flags],
    ran: (_: TestNode, _tier: string, trace: string) =>
      made(trace, 'TURBOFAN') && /Inlining .* callee>} into .* burn>}/.test(trace),
  })),
];

/** Whether V8 tells that it made such code for the function. What it makes may be thrown away again and made anew. */
function made(trace: string, target: string): boolean {
  return new RegExp(`completed compiling .*<JSFunction burn .*\\(target ${target}`).test(trace);
}

for (const node of testNodes()) {
  for (const { flags, ran } of TIERS) {
    const title = `Node.js ${node.major} ${flags.join(' ')}: CPU time stands at the lines that burn it`;
    test.serial(title, async (t) => {
      const { truth, profiles, stdout } = await profileWorkload<Lines>(t, node, 'lines', {
        flags: ['--allow-natives-syntax', ...flags],
        // A sample stands for up to 4 ms here: of a thousand, shares are within 1.5 points, and 5 are allowed.
        args: ['4000'],
        rate: 1000,
        // Interrupts by CPU time alone, so a machine with more to do changes nothing here.
        engine: 'ctimer',
      });
      const { lines, spent, tier } = truth;
      t.true(ran(node, tier, stdout), `${tier} with ${flags.join(' ')}`);
      const charged = spent.first + spent.second + spent.call;
      // Reading the clock is no part of what was measured.
      const burning: Filter = ({ frames }) => !frames.some(({ name }) => name.endsWith('ownCpu'));
      const found = linesWithin(profiles, 'cpu', 'burn', burning);
      const all = [...found.values()].reduce((sum, value) => sum + value, 0);
      let elsewhere = all;
      for (const name of ['first', 'second', 'call'] as const) {
        const value = found.get(lines[name]) ?? 0;
        elsewhere -= value;
        t.log(`${name}: ${percent(value, all)} %, kernel ${percent(spent[name], charged)} %`);
        t.true(Math.abs(value / all - spent[name] / charged) < 0.05, `${name}: ${value / all}`);
      }
      t.true(elsewhere / all < 0.04, `${percent(elsewhere, all)} % at other lines`);

      const called = foldedStacks(profiles, 'cpu', { show: (frame) => `${frame.name}:${frame.line}` });
      const through = sum(called, `burn:${lines.call};callee:${lines.callee}`);
      t.true(through / sum(called, 'callee:') > 0.95, 'the callee stands at its own line, below its call');
      t.true(through / (found.get(lines.call) ?? 0) > 0.9, 'the line that calls is where the callee is');
    });
  }
}

function sum(stacks: Map<string, number>, part: string): number {
  return [...stacks].reduce((total, [stack, value]) => (stack.includes(part) ? total + value : total), 0);
}

function percent(part: number, all: number): string {
  return ((part / all) * 100).toFixed(1);
}
