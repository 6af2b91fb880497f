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
/** Nanoseconds. The rest of the main thread's time is for reading its clock, and the observer has to wait for a CPU. */
const LEAST_NAMED = MILLISECONDS * 1e6 * 0.25;

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
    // The function was compiled in the first round: a profiler that starts later has to be told of it anew.
    const named = profiles.map((profile) => total([profile], 'cpu', IN_MAIN_WORK));
    const nameless = named.flatMap((nanoseconds, round) => (nanoseconds > LEAST_NAMED ? [] : [round]));
    t.deepEqual(nameless, [], 'rounds in which mainWork has no name');
    const found = total(profiles, 'cpu', MAIN);
    t.log(`main thread: ${ms(found)} ms, kernel ${ms(cpu.least)} to ${ms(cpu.most)} ms`);
    t.true(found >= cpu.least * 0.97 && found <= cpu.most * 1.03, `${found} ns of the main thread`);
  });
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
