import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

// 2,000 take minutes on each Node.js: docs/safety.md says how to run them, and what they showed.
const WORKERS = Number(process.env.EVERFLAME_TEST_WORKERS ?? 400);
const BATCH = 8;
const MINUTES = 60_000;
const CAP_MB = 32;

interface Outcome {
  count: number;
  /** Resident bytes after each batch. */
  rss: number[];
  threads: number;
  largest: number;
  counters: Record<string, number>;
}

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: ${WORKERS} workers come and go under 5 kHz sampling`, async (t) => {
    t.timeout(8 * MINUTES);
    const folder = temporaryFolder(t);
    const program = join(ROOT, '__test__', 'workloads', 'safety', 'worker-storm.cjs');
    const env = {
      EVERFLAME_RATE: '5000',
      EVERFLAME_MEMORY_CAP: `${CAP_MB}M`,
      DD_PROFILING_UPLOAD_PERIOD: '5',
      DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
    };
    const end = await run(path, ['--expose-gc', '--require', AUTO, program, `${WORKERS}`, `${BATCH}`], {
      env,
      timeout: 7 * MINUTES,
    });
    t.deepEqual([end.code, end.signal], [0, null], end.stderr);
    const { count, rss, threads, largest, counters } = JSON.parse(end.stdout) as Outcome;
    t.is(count, WORKERS);
    // Node's own threads and our two: those of the workers are gone after each batch.
    t.true(threads <= 15 && largest <= 16, `${threads} threads, ${largest} at the most`);
    t.is(counters.threads_without_slot, 0);
    t.true((counters.samples ?? 0) > WORKERS * 10, `${counters.samples} samples`);
    // A map of a worker's code has about a megabyte, its ring a quarter: a leak of either is a gigabyte here.
    const grown = ((rss.at(-1) ?? 0) - (rss[10] ?? 0)) / 2 ** 20;
    t.true(grown < CAP_MB * 3, `${grown} MB more than after the first ${10 * BATCH}`);
    const profiles = profilesIn(folder).map(readProfile);
    t.true(total(profiles, 'cpu', ({ labels }) => /^Worker #/.test(labels.get('thread name') ?? '')) > 1e9);
  });
}
