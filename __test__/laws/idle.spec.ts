import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { type TestNode, testNodes } from '../support/nodes.js';
import { AUTO, ROOT, start } from '../support/spawn.js';

/** Start-up work of V8 and Node.js, and the profiler's own look at it, are over by then. */
const SETTLE_MILLISECONDS = 4000;
const WATCH_MILLISECONDS = 10_000;

/** Started by the program, which writes nothing, and by the preload, which has files to write and a timer for them. */
const STARTS = ['by hand', 'with everflame/auto'] as const;

for (const node of testNodes()) {
  for (const how of STARTS) {
    // Nothing here depends on how fast the machine is, so all wait at the same time.
    test(`Node.js ${node.major}, ${how}: an idle program wakes nothing but the observer, once a second`, async (t) => {
      const program = startIdle(node, how, temporaryFolder(t));
      t.teardown(() => program.child.kill('SIGKILL'));
      await program.said('ready');
      await pause(SETTLE_MILLISECONDS);
      // From outside, so that looking is no activity of the program.
      const begin = performance.now();
      const before = wakeUps(program.child.pid as number);
      await pause(WATCH_MILLISECONDS);
      const after = wakeUps(program.child.pid as number);
      const seconds = (performance.now() - begin) / 1000;
      t.deepEqual([...after.keys()], [...before.keys()], 'threads come and go');
      let own = 0;
      const names: string[] = [];
      for (const [thread, count] of after) {
        const woken = count - (before.get(thread) ?? 0);
        if (isOwn(thread)) {
          names.push(thread.replace(/ \d+$/, ''));
          own += woken;
        } else {
          // A signal would have woken the thread.
          t.is(woken, 0, `${thread} was woken`);
        }
      }
      // The one that reads source maps is there only where a script that was seen may have one.
      t.deepEqual(names.filter((name) => name !== 'everflame-map').sort(), [
        'everflame-agg',
        'everflame-obs',
      ]);
      t.log(
        `${own} wake-ups of the profiler in ${seconds.toFixed(1)} s, none of ${after.size - names.length} other threads`,
      );
      // The observer looks for new threads once a second; with none of that it would not be alive.
      t.true(own >= 1 && own <= seconds + 1, `${own} wake-ups in ${seconds} s`);
    });
  }
}

function startIdle(node: TestNode, how: (typeof STARTS)[number], folder: string): ReturnType<typeof start> {
  const program = join(ROOT, '__test__', 'workloads', 'laws', 'idle.js');
  // Else V8 collects garbage seconds after the start-up, which is activity.
  const flags = ['--no-memory-reducer'];
  if (how === 'by hand') return start(node.path, [...flags, program]);
  const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
  return start(node.path, [...flags, '--require', AUTO, program], { env });
}

function isOwn(thread: string): boolean {
  return thread.startsWith('everflame-');
}

/**
 * How often each thread went to sleep, by name and number. A thread of ours that was put off its CPU by another program
 * has not woken by that; a thread of the program that could be put off has run, which it must not.
 */
function wakeUps(pid: number): Map<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid): [string, number] => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    const name = `${/^Name:\t(.*)$/m.exec(status)?.[1]} ${tid}`;
    const counts = [...status.matchAll(/^(non)?voluntary_ctxt_switches:\t(\d+)$/gm)];
    const counted = counts.filter(([, involuntary]) => !(involuntary && isOwn(name)));
    return [name, counted.reduce((sum, [, , n]) => sum + Number(n), 0)];
  });
  return new Map(threads);
}
