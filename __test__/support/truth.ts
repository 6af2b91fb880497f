import type { GivenFrame, GivenSample } from './build-profile';

/** Types of a `wall.pprof`. */
export const WALL_TYPES: [type: string, unit: string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];

/** Sum of one column, exact. */
export function sumOf(
  samples: GivenSample[],
  column: number,
  only: (sample: GivenSample) => boolean = () => true,
): bigint {
  return samples.filter(only).reduce((sum, { values }) => sum + BigInt(values[column] ?? 0), 0n);
}

/** Sums of one column by anything, exact. */
export function sumsBy<T>(
  items: readonly T[],
  key: (item: T) => string,
  value: (item: T) => bigint,
): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const item of items) sums.set(key(item), (sums.get(key(item)) ?? 0n) + value(item));
  return new Map([...sums].filter(([, sum]) => sum !== 0n).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Samples of a wall profile with a timeline: `count` of them over `stacks` stacks on three threads. Numbers are primes, so that
 * a sample that is lost, counted twice or put in the wrong place shows in the sums. Every third sample used no CPU time.
 */
export function wallSamples(count: number, stacks: number, start: bigint): GivenSample[] {
  return Array.from({ length: count }, (_, index) => ({
    values: [1 + (index % 7), 10_000_019 + index, index % 3 === 0 ? 0 : 999_983 + 2 * index],
    stack: [
      { name: 'main', file: '/srv/app.js', line: 3, startLine: 1 },
      { name: 'handle', file: '/srv/app.js', line: 17, startLine: 11 },
      { name: `work${index % stacks}`, file: '/srv/work.js', line: 101 + (index % stacks), startLine: 100 },
      ...(index % 5 === 0 ? [{ name: 'read', module: '/lib/libc.so.6' }] : []),
    ],
    thread: ['Main Event Loop', 'Worker #1 Event Loop', 'libuv-worker'][index % 3] as string,
    labels: {
      'thread id': index % 3 === 2 ? 'NA' : String(index % 3),
      'os thread id': String(4242 + (index % 3)),
      end_timestamp_ns: start + BigInt(index) * 2_999_999n,
    },
  }));
}

/** A frame as receivers of the contract tell of it. */
export function frameOf({ name, file, module, line }: GivenFrame): string {
  return `${file ?? module}:${line ?? 0} ${name}`;
}
