import test from 'ava';
import { BURN } from '../support/burn.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, run } from '../support/spawn.js';
import { cpuOf, startAgent } from './support/agent.js';

const BURNT_MILLISECONDS = 100;
/** On a busy machine a profile arrives all the same. */
const PATIENT = { EVERFLAME_EXIT_TIMEOUT: '20' };

const STILL = 'the clock stands still';

/** What programs, shims of browsers and fake clocks of tests do to what the end of a process needs. */
const REPLACED: Record<string, string> = {
  '`process` is undefined': 'globalThis.process = undefined;',
  '`process` is taken away': 'delete globalThis.process;',
  '`process` is a plain object': 'globalThis.process = { env: {} };',
  '`process.on` throws':
    "for (const name of ['on', 'once', 'prependListener', 'removeListener']) process[name] = () => { throw new Error(name); };",
  '`performance` is taken away': 'delete globalThis.performance;',
  'timers are taken away':
    "for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearInterval', 'queueMicrotask']) delete globalThis[name];",
  '`setImmediate` returns a number': 'globalThis.setImmediate = () => 7;',
  [STILL]:
    'const clock = Object.assign(() => [0, 0], { bigint: () => 0n }); process.hrtime = clock; performance.now = () => 0; Date.now = () => 0;',
};

const ENDS = [
  ['by itself', 'own.exitCode = 3;', 3, 'auto'],
  ['by `process.exit()`', 'own.exit(4);', 4, 'auto'],
  ['by itself, with the inspector engine,', 'own.exitCode = 3;', 3, 'inspector'],
] as const;

for (const { major, path } of testNodes()) {
  for (const [what, replace] of Object.entries(REPLACED)) {
    for (const [how, end, code, engine] of ENDS) {
      // It tells times by the clocks of the program.
      if (engine === 'inspector' && what === STILL) continue;
      test.serial(
        `Node.js ${major}: where ${what}, a program ends ${how} as without a profiler, and its last profile is sent`,
        async (t) => {
          const agent = await startAgent(t);
          const text = `const own = process; const { on } = require('node:events').prototype;
            ${BURN} burn(${BURNT_MILLISECONDS}); ${replace}
            on.call(own, 'exit', (code) => console.log('exit', code)); ${end}`;
          const plain = await run(path, ['-e', text]);
          const ended = await run(path, ['--require', AUTO, '-e', text], {
            env: { ...agent.env, ...PATIENT, EVERFLAME_ENGINE: engine },
          });
          const seen = ({ code, signal, stdout, stderr }: typeof ended) => ({ code, signal, stdout, stderr });
          t.deepEqual(seen(plain), { code, signal: null, stdout: `exit ${code}\n`, stderr: '' });
          t.deepEqual(seen(ended), seen(plain));
          const { received, violations } = agent.receiver;
          t.deepEqual(violations, []);
          t.deepEqual(
            received.map(({ tags }) => [tags.get('process_id'), tags.get('snapshot')]),
            [[String(ended.pid), 'on_shutdown']],
          );
          // Node.js 20 tells the inspector engine no CPU time of a thread.
          if (engine === 'inspector') return;
          for (const upload of received) t.true(cpuOf(upload) >= BURNT_MILLISECONDS * 0.97);
        },
      );
    }
  }
}
