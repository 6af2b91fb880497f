import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LoadedProfile } from '#src/profile/model.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { type TestNode, testNodes } from '../support/nodes.js';
import { type Filter, readProfile, total, withLabel } from '../support/pprof.js';
import { ROOT, run } from '../support/spawn.js';

const PROGRAM = join(ROOT, '__test__', 'workloads', 'safety', 'restarts.cjs');
const MAIN = withLabel('thread name', 'Main Event Loop');
const ROUNDS = 40;
/** CPU time of the main thread in each round. */
const MILLISECONDS = 20;
const IN_MAIN_WORK: Filter = (sample) =>
  MAIN(sample) && sample.frames.some(({ name }) => name === 'mainWork');
/** Of the main thread's frames in a round that may have no name: with a lost map it is every one of JavaScript. */
const MOST_NAMELESS = 0.05;

interface Restarted {
  /** Workers that came and went. */
  ended: number;
  /** CPU time of the main thread that the profiles cover, in nanoseconds. */
  cpu: { least: number; most: number };
  /** One of each round. */
  profiles: LoadedProfile[];
}

async function restart(t: ExecutionContext, { path }: TestNode): Promise<Restarted> {
  const folder = temporaryFolder(t);
  const end = await run(path, [PROGRAM, ROOT, `${ROUNDS}`, folder, `${MILLISECONDS}`], { timeout: 100_000 });
  t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
  const said = JSON.parse(end.stdout) as Omit<Restarted, 'profiles'>;
  t.true(said.ended > 20, `${said.ended} workers`);
  const profiles = profilesIn(folder).map(readProfile);
  t.is(profiles.length, ROUNDS);
  return { ...said, profiles };
}

for (const node of testNodes()) {
  test.serial(`Node.js ${node.major}: ${ROUNDS} starts and stops while workers come and go`, async (t) => {
    const { profiles, cpu } = await restart(t, node);
    // Busy workers have samples enough: what is looked at is the main thread's.
    for (const [round, profile] of profiles.entries()) {
      t.true(total([profile], 'sample', MAIN) > 0, `round ${round}: no sample of the main thread`);
    }
    // The function was compiled in the first round: a profiler that starts later has to be told of it anew. A round has a
    // handful of samples (the kernel's tick), so it is asked that they have names, and the function's share over all.
    const nameless = profiles.map(({ samples }) => {
      const frames = samples.filter(MAIN).flatMap((sample) => sample.frames);
      return frames.filter(({ name }) => name === '[unknown]').length / frames.length;
    });
    const bad = nameless.flatMap((share, round) => (share > MOST_NAMELESS ? [round] : []));
    t.deepEqual(bad, [], 'rounds in which functions have no name');
    const named = total(profiles, 'cpu', IN_MAIN_WORK);
    t.true(named > ROUNDS * MILLISECONDS * 1e6 * 0.5, `${named} ns in mainWork`);
    const found = total(profiles, 'cpu', MAIN);
    t.log(
      `main thread: ${ms(found)} ms, ${ms(named)} in mainWork, kernel ${ms(cpu.least)} to ${ms(cpu.most)} ms`,
    );
    t.true(found >= cpu.least * 0.97 && found <= cpu.most * 1.03, `${found} ns of the main thread`);
  });
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
