import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { foldedStacks, shareOf } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

const RATE = 1000;
/** Frames of the recursion that are kept on the leaf side of a stack that is too deep. */
const KEPT = 480;

/** What calls the work, and how that work comes below it: JavaScript, V8's own code, JavaScript again. */
const LAYERS: Record<string, RegExp> = {
  sorts: /;sorts;ArrayPrototypeSort;compares;spin$/,
  parses: /;parses;(?:[^;]*;)*[^;]*JsonParseInternalizer::[^;]*;(?:[^;]*;)*revives;spin$/,
  rewrites: /;rewrites;StringPrototypeReplace;replaces;spin$/,
  requires: /;requires;require;(?:[^;]*;)+whileLoading;spin$/,
};

/** Where each kind of thread waits when there is nothing to do, from the function that it begins with. */
const WAITS: Record<string, RegExp> = {
  'the main thread': /^__libc_start_call_main;node::Start;.*;uv_run;uv__io_poll;epoll_p?wait$/,
  'a worker': /^start_thread;node::worker::Worker::StartThread.*;uv_run;uv__io_poll;epoll_p?wait$/,
  'the pool': /^start_thread;worker;uv_cond_wait;pthread_cond_wait;/,
  "V8's helpers": /^start_thread;node::\(anonymous namespace\)::PlatformWorkerThread.*;pthread_cond_wait;/,
  // Node.js blocks all signals on it.
  "the inspector's thread": /^start_thread;node::inspector::.*StartIoThreadMain.*;uv_sem_wait;/,
};

for (const node of testNodes()) {
  test.serial(`Node.js ${node.major}: a sleeping thread has its stack, up to its root`, async (t) => {
    const { profiles } = await profileWorkload<object>(t, node, 'asleep', { args: ['2500'] });
    const stacks = foldedStacks(profiles, 'wall');
    for (const [thread, wait] of Object.entries(WAITS)) {
      const slept = [...stacks].reduce((sum, [stack, value]) => (wait.test(stack) ? sum + value : sum), 0);
      t.log(`${thread}: ${(slept / 1e6).toFixed(0)} ms`);
      t.true(slept > 2000e6, [...stacks.keys()].join('\n'));
    }
  });

  for (const depth of [50, 500, 5000]) {
    test.serial(`Node.js ${node.major}: a recursion of ${depth} calls has its shape`, async (t) => {
      const { truth, profiles } = await profileWorkload<{ calls: number }>(t, node, 'deep', {
        args: [String(depth)],
        rate: RATE,
      });
      const shapes = new Map<string, number>();
      for (const [stack, value] of foldedStacks(profiles, 'cpu')) {
        if (!stack.endsWith(';bottom')) continue;
        const shape = stack
          .replace(/(;descend)+/g, (calls) => `;descend×${calls.length / ';descend'.length}`)
          .replace(/^__libc_start_call_main(;(?!\[|descend)[^;]*)+/, 'root');
        shapes.set(shape, (shapes.get(shape) ?? 0) + value);
      }
      const [[shape, value] = ['', 0]] = [...shapes].sort(([, a], [, b]) => b - a);
      t.log(shape);
      const all = [...shapes.values()].reduce((sum, each) => sum + each, 0);
      t.true(value / all > 0.98, [...shapes.keys()].join('\n'));
      if (depth === 50) {
        t.is(shape, `root;descend×${truth.calls};bottom`);
      } else {
        // The leaf side and the root stay; one mark stands for what lies between.
        const kept = /^root;\[truncated\];descend×(\d+);bottom$/.exec(shape)?.[1];
        t.true(Number(kept) >= KEPT && Number(kept) < truth.calls, shape);
      }
    });
  }

  test.serial(
    `Node.js ${node.major}: native code between JavaScript stands where it was called`,
    async (t) => {
      const { profiles } = await profileWorkload<object>(t, node, 'mixed', {
        args: [temporaryFolder(t)],
        rate: RATE,
      });
      const stacks = foldedStacks(profiles, 'cpu');
      for (const [caller, expected] of Object.entries(LAYERS)) {
        const below = [...stacks].filter(
          ([stack]) => stack.includes(`;${caller};`) && stack.endsWith(';spin'),
        );
        const all = below.reduce((sum, [, value]) => sum + value, 0);
        const right = below.reduce((sum, [stack, value]) => (expected.test(stack) ? sum + value : sum), 0);
        t.log(`${caller}: ${(right / 1e6).toFixed(1)} of ${(all / 1e6).toFixed(1)} ms in order`);
        t.true(all > 150e6 && right / all > 0.97, below.map(([stack]) => stack).join('\n'));
        // To the root of the thread, and nothing of the way is lost.
        t.true(below.every(([stack]) => /^__libc_start_call_main;node::Start;/.test(stack)));
      }

      const hashing = [...stacks].filter(([stack]) => /PBKDF2Traits>::DoThreadPoolWork/.test(stack));
      const all = hashing.reduce((sum, [, value]) => sum + value, 0);
      const whole = hashing.filter(([stack]) => /^start_thread;worker;/.test(stack));
      const rooted = whole.reduce((sum, [, value]) => sum + value, 0);
      t.log(`pool: ${(rooted / 1e6).toFixed(1)} of ${(all / 1e6).toFixed(1)} ms reach the thread's root`);
      t.true(all > 150e6 && rooted / all > 0.98);
      t.true(shareOf(profiles, 'cpu', '[unknown]') < 0.01);
    },
  );
}
