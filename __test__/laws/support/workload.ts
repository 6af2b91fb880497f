import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { LoadedProfile } from '#src/profile/model.js';
import { temporaryFolder } from '../../support/folder.js';
import type { TestNode } from '../../support/nodes.js';
import { readProfile } from '../../support/pprof.js';
import { ROOT, run } from '../../support/spawn.js';

const DEFAULT_RATE = 99;
const WORKLOADS = join(ROOT, '__test__', 'workloads', 'laws');

/** How a workload is run. */
export interface WorkloadOptions {
  /** Flags of Node.js. */
  flags?: string[];
  /** Arguments of the workload. */
  args?: string[];
  /** Samples a second. */
  rate?: number;
  engine?: string;
  /** More of the environment. */
  env?: Record<string, string>;
  /** Milliseconds. */
  timeout?: number;
}

/** CPU time and time passed, in nanoseconds. */
export interface Spent {
  cpu: number;
  time: number;
}

/** What a workload says of itself, and the profile of it. */
export interface Profiled<Truth> {
  truth: Truth;
  engine: string;
  counters: Record<string, number>;
  /** Samples that found no room. */
  dropped: number;
  /** All that the program said, V8's own traces included. */
  stdout: string;
  /** The profile covers at least this. */
  least: Spent;
  /** The profile covers at most this. */
  most: Spent;
  profiles: [LoadedProfile];
}

/** A ring holds this many samples a second until it is read, also where the aggregator has to wait for a CPU. */
const NOTHING_DROPPED_UP_TO = 100;

/**
 * Runs a workload under the profiler. Fails the test where it ends with an error, says anything on stderr, or loses a
 * sample at a usual rate.
 */
export async function profileWorkload<Truth>(
  t: ExecutionContext,
  node: TestNode,
  name: string,
  options: WorkloadOptions = {},
): Promise<Profiled<Truth>> {
  const path = join(temporaryFolder(t), 'profile.wall.pprof');
  const said = await execute<Omit<Profiled<Truth>, 'profiles'>>(t, node, name, path, options);
  if ((options.rate ?? DEFAULT_RATE) <= NOTHING_DROPPED_UP_TO) t.is(said.dropped, 0, 'samples dropped');
  return { ...said, profiles: [readProfile(path)] };
}

/** Runs a workload without a profiler and returns its truth. */
export async function runWorkload<Truth>(
  t: ExecutionContext,
  node: TestNode,
  name: string,
  options: WorkloadOptions = {},
): Promise<Truth> {
  return (await execute<{ truth: Truth }>(t, node, name, '', options)).truth;
}

async function execute<Said>(
  t: ExecutionContext,
  node: TestNode,
  name: string,
  profile: string,
  {
    flags = [],
    args = [],
    rate = DEFAULT_RATE,
    engine = 'auto',
    env = {},
    timeout = 60_000,
  }: WorkloadOptions,
): Promise<Said> {
  const end = await run(node.path, [...flags, join(WORKLOADS, `${name}.js`), profile, ...args], {
    env: { EVERFLAME_RATE: String(rate), EVERFLAME_ENGINE: engine, ...env },
    timeout,
  });
  t.deepEqual([end.code, end.signal, end.stderr], [0, null, ''], `Node.js ${node.major}: ${end.stdout}`);
  // V8's own traces may come before it and after it.
  const said = end.stdout.split('\n').findLast((line) => line.startsWith('{'));
  return { ...JSON.parse(said ?? ''), stdout: end.stdout } as Said;
}
