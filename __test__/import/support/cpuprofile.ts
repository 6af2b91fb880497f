/** A node of a CPU profile to write. */
export interface GivenNode {
  id: number;
  name: string;
  url?: string;
  line?: number;
  children?: number[];
  ticks?: [line: number, ticks: number][];
  hits?: number;
}

/** A `.cpuprofile` as V8 writes it: lines of functions count from 0, those of ticks from 1. */
export function cpuProfile(
  nodes: GivenNode[],
  samples: number[],
  timeDeltas: number[],
  more: { startTime?: number; endTime?: number } = {},
): Record<string, unknown> {
  const startTime = more.startTime ?? 5_000_000;
  const sum = timeDeltas.reduce((all, delta) => all + delta, 0);
  return {
    nodes: nodes.map(({ id, name, url = '', line = -1, children, ticks, hits = 0 }) => ({
      id,
      callFrame: {
        functionName: name,
        scriptId: url === '' ? '0' : '7',
        url,
        lineNumber: line,
        columnNumber: line,
      },
      hitCount: hits,
      ...(children && { children }),
      ...(ticks && { positionTicks: ticks.map(([tick, count]) => ({ line: tick, ticks: count })) }),
    })),
    startTime,
    endTime: more.endTime ?? startTime + sum,
    samples,
    timeDeltas,
  };
}

/** main calls work; the loop is idle; garbage is collected. */
export const SMALL: GivenNode[] = [
  { id: 1, name: '(root)', children: [2, 4, 5, 6] },
  { id: 2, name: 'main', url: 'file:///app/main.js', line: 9, children: [3] },
  {
    id: 3,
    name: 'work',
    url: 'file:///app/node_modules/pkg/work.js',
    line: 20,
    ticks: [
      [22, 2],
      [25, 1],
    ],
  },
  { id: 4, name: '(idle)' },
  { id: 5, name: '(garbage collector)' },
  { id: 6, name: '(program)' },
];
