import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { ROOT, start } from '../support/spawn.js';

/** Start-up work of V8 and Node.js, and the profiler's own look at it, are over by then. */
const SETTLE_MILLISECONDS = 4000;
const WATCH_MILLISECONDS = 10_000;

for (const node of testNodes()) {
  // Nothing here depends on how fast the machine is, so all wait at the same time.
  test(`Node.js ${node.major}: an idle program wakes nothing but the observer, once a second`, async (t) => {
    const program = start(node.path, [
      // Else V8 collects garbage seconds after the start-up, which is activity.
      '--no-memory-reducer',
      join(ROOT, '__test__', 'workloads', 'laws', 'idle.js'),
    ]);
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
    let names = 0;
    for (const [thread, count] of after) {
      const woken = count - (before.get(thread) ?? 0);
      if (thread.startsWith('everflame-')) {
        names += 1;
        own += woken;
      } else {
        // A signal would have woken the thread.
        t.is(woken, 0, `${thread} was woken`);
      }
    }
    t.is(names, 2, [...after.keys()].join());
    t.log(
      `${own} wake-ups of the profiler in ${seconds.toFixed(1)} s, none of ${after.size - 2} other threads`,
    );
    // The observer looks for new threads once a second; with none of that it would not be alive.
    t.true(own >= 1 && own <= seconds + 1, `${own} wake-ups in ${seconds} s`);
  });
}

/** How often the kernel has put each thread to sleep and taken it off a CPU, by name and number. */
function wakeUps(pid: number): Map<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid): [string, number] => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    const counts = [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\t(\d+)$/gm)];
    return [
      `${/^Name:\t(.*)$/m.exec(status)?.[1]} ${tid}`,
      counts.reduce((sum, [, n]) => sum + Number(n), 0),
    ];
  });
  return new Map(threads);
}
