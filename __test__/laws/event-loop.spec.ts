import test from 'ava';
import { testNodes } from '../support/nodes.js';
import { commentsOf } from '../support/pprof.js';
import { profileWorkload } from './support/workload.js';

/** Milliseconds. */
interface Blocks {
  longest: number;
  active: number;
  idle: number;
}

interface Truth {
  main: Blocks;
  other: Blocks;
  /** The other thread's id. */
  worker: string;
  /** Bytes of the heap that are in use at the least. */
  keptBytes: number;
  /** The most bytes of the process that were resident. */
  peakRss: number;
}

type Values = (number | null)[];

interface Metrics {
  start: number;
  step: number;
  threads: { id: string; name: string; delay_us: Values; active_us: Values; heap_kib: Values }[];
  rss_kib: Values;
}

const PREFIX = 'everflame.metrics:';
const known = (values: Values) => values.filter((value) => value !== null);
const sum = (values: Values) => known(values).reduce((total, value) => total + value, 0);
const largest = (values: Values) => Math.max(...known(values));

for (const node of testNodes()) {
  const title = `Node.js ${node.major}: profiles say how long event loops were blocked, as Node.js does, and how much memory was in use`;
  test.serial(title, async (t) => {
    const began = Date.now();
    const { truth, most, profiles } = await profileWorkload<Truth>(t, node, 'event-loop');
    const ended = Date.now();
    const comments = commentsOf(profiles).filter((comment) => comment.startsWith(PREFIX));
    t.is(comments.length, 1);
    const { start, step, threads, rss_kib } = JSON.parse((comments[0] ?? '').slice(PREFIX.length)) as Metrics;

    t.deepEqual(
      threads.map(({ id }) => id),
      ['0', truth.worker],
    );
    for (const [index, blocks] of [truth.main, truth.other].entries()) {
      const { name, delay_us, active_us } = threads[index] as Metrics['threads'][number];
      const delay = largest(delay_us) / 1000;
      const active = sum(active_us) / 1000;
      const told = `longest ${blocks.longest.toFixed(1)} ms, told ${delay.toFixed(1)}`;
      t.log(`${name}: ${told}; active ${blocks.active.toFixed(1)} ms at least, told ${active.toFixed(1)}`);
      t.true(delay >= blocks.longest, 'a block delays by its length at the least');
      // A turn of the loop has no more work than there is in all of them.
      t.true(delay <= active, 'and by no more than the loop was active');
      t.true(active >= blocks.active, 'what Node.js measured is part of it');
      t.true(active <= most.time / 1e6 - blocks.idle, 'and what Node.js waited is not');
      t.true(largest(active_us) <= step * 1000, 'no step has more time than it is long');
    }

    const heap = largest(threads[0]?.heap_kib ?? []) * 1024;
    const rss = largest(rss_kib) * 1024;
    t.log(`kept ${truth.keptBytes}, heap ${heap}, resident ${rss}, at most ${truth.peakRss}`);
    t.true(heap >= truth.keptBytes);
    t.true(rss >= heap);
    // The kernel adds up what each CPU counts for itself, which proc(5) calls inaccurate.
    t.true(rss <= truth.peakRss * 1.05);

    const steps = rss_kib.length;
    for (const { delay_us, active_us, heap_kib } of threads) {
      t.deepEqual([delay_us.length, active_us.length, heap_kib.length], [steps, steps, steps]);
    }
    // The first second may have begun before the program.
    t.true(start >= began - step && start <= ended);
    t.true(start + steps * step <= ended + step);
  });
}
