import { threadName } from '../engine';
import type { LabelInput, ProfileBuilder } from './builder';
import { frameOf, startLine } from './v8-frame';
import type { ThreadPeriod, V8Node } from './v8-profile';

/** Samples handled before the caller may let the event loop run. */
const SLICE = 200;
const MICROSECOND = 1000;

export interface ConvertOptions {
  timeline: boolean;
  maxFrames: number;
  /** Which times are the builder's values behind the number of samples. */
  wall: boolean;
  cpu: boolean;
}

/**
 * Adds one thread's period to a profile, in slices: a generator, so that an event loop can run between them
 * and an exiting process can do all at once.
 *
 * A sample's wall time is the time since the sample before it; what lies behind the last one is added to it, so
 * that the sum is the length of the period. The thread's CPU time is exact as a sum; V8's profiler does not measure
 * it for each sample, so it is shared out by wall time over the samples that were not idle.
 */
export function* convertPeriod(
  builder: ProfileBuilder,
  period: ThreadPeriod,
  options: ConvertOptions,
): Generator<void, void> {
  const { profile } = period;
  const samples = profile.samples ?? [];
  if (samples.length === 0) return;
  const walls = wallNanoseconds(period);
  const stacks = new Stacks(builder, profile.nodes, options.maxFrames);
  const cpus = options.cpu ? shareCpu(period, walls, (id) => stacks.isIdle(id)) : undefined;
  const labels: LabelInput = [
    ['thread name', threadName(period.threadId)],
    ['thread id', String(period.threadId)],
    ['os thread id', period.osThreadId],
  ];
  const totals = new Map<string, { locations: number[]; values: number[] }>();
  let elapsed = 0;
  for (let index = 0; index < samples.length; index++) {
    const locations = stacks.next(samples[index] as number);
    const wall = walls[index] as number;
    const cpu = cpus?.[index] as number;
    const values = [1, ...(options.wall ? [wall] : []), ...(cpus ? [cpu] : [])];
    elapsed += wall;
    if (!options.wall && cpu === 0) continue;
    if (options.timeline) {
      const end = period.startNanoseconds + BigInt(elapsed);
      builder.add(locations, values, [...labels, ['end_timestamp_ns', end]]);
    } else {
      addTo(totals, locations, values);
    }
    if (index % SLICE === SLICE - 1) yield;
  }
  for (const { locations, values } of totals.values()) builder.add(locations, values, labels);
}

function addTo(
  totals: Map<string, { locations: number[]; values: number[] }>,
  locations: number[],
  values: number[],
): void {
  const key = locations.join();
  const known = totals.get(key);
  if (known) known.values = known.values.map((value, index) => value + (values[index] as number));
  else totals.set(key, { locations, values });
}

function wallNanoseconds({ profile }: ThreadPeriod): number[] {
  // V8 now and then reports a sample as taken before its neighbour; time is not given back for that.
  const walls = (profile.timeDeltas ?? []).map((delta) => Math.max(0, delta) * MICROSECOND);
  const total = Math.max(0, profile.endTime - profile.startTime) * MICROSECOND;
  let rest = total;
  for (let index = 0; index < walls.length; index++) {
    walls[index] = Math.min(walls[index] as number, rest);
    rest -= walls[index] as number;
  }
  const last = walls.length - 1;
  if (last >= 0) walls[last] = (walls[last] as number) + rest;
  return walls;
}

function shareCpu(period: ThreadPeriod, walls: number[], isIdle: (nodeId: number) => boolean): number[] {
  const samples = period.profile.samples ?? [];
  const total = period.cpuNanoseconds ?? 0;
  const busy = walls.map((wall, index) => (isIdle(samples[index] as number) ? 0 : wall));
  const weight = busy.reduce((sum, wall) => sum + wall, 0);
  // A thread that was never seen busy still used some: it goes to whatever was seen.
  const weights = weight > 0 ? busy : walls;
  const sum = weight > 0 ? weight : walls.reduce((before, wall) => before + wall, 0);
  let given = 0;
  let seen = 0;
  return weights.map((wall) => {
    seen += wall;
    // Rounding the running sum keeps the total exact.
    const until = sum > 0 ? Math.round((total * seen) / sum) : 0;
    const share = until - given;
    given = until;
    return share;
  });
}

/** Turns nodes of V8's tree into stacks of locations, leaf first. */
class Stacks {
  private readonly nodes = new Map<number, V8Node>();
  private readonly parents = new Map<number, number>();
  private readonly callers = new Map<number, number[]>();
  private readonly ticks = new Map<number, { line: number; ticks: number }[]>();

  constructor(
    private readonly builder: ProfileBuilder,
    nodes: V8Node[],
    private readonly maxFrames: number,
  ) {
    for (const node of nodes) {
      this.nodes.set(node.id, node);
      for (const child of node.children ?? []) this.parents.set(child, node.id);
      if (node.positionTicks)
        this.ticks.set(
          node.id,
          node.positionTicks.map((tick) => ({ ...tick })),
        );
    }
  }

  isIdle(id: number): boolean {
    return this.nodes.get(id)?.callFrame.functionName === '(idle)';
  }

  /**
   * The stack of the next sample of a node. V8 counts executing lines for each leaf but not for each sample,
   * so the counted lines are dealt out one by one: their totals are exact.
   */
  next(id: number): number[] {
    const node = this.nodes.get(id) as V8Node;
    const line = this.takeLine(id) ?? startLine(node.callFrame);
    const leaf = this.builder.location(frameOf(node.callFrame, line));
    const callers = this.callersOf(this.parents.get(id));
    if (callers.length < this.maxFrames) return [leaf, ...callers];
    const omitted = callers.length + 1 - this.maxFrames;
    const name = omitted === 1 ? '<1 frame omitted>' : `<${omitted} frames omitted>`;
    const marker = this.builder.location({ name, file: '', startLine: 0, line: 0 });
    return [leaf, ...callers.slice(0, this.maxFrames - 1), marker];
  }

  private takeLine(id: number): number | undefined {
    const tick = this.ticks.get(id)?.find((candidate) => candidate.ticks > 0);
    if (!tick) return undefined;
    tick.ticks -= 1;
    return tick.line;
  }

  /** Locations from this node to the root; a caller's line is where its function starts, V8 keeps no other. */
  private callersOf(id: number | undefined): number[] {
    if (id === undefined) return [];
    const known = this.callers.get(id);
    if (known) return known;
    const path: V8Node[] = [];
    let current: number | undefined = id;
    while (current !== undefined) {
      const node = this.nodes.get(current) as V8Node;
      if (node.callFrame.functionName !== '(root)') path.push(node);
      current = this.parents.get(current);
    }
    const locations = path.map((node) =>
      this.builder.location(frameOf(node.callFrame, startLine(node.callFrame))),
    );
    this.callers.set(id, locations);
    return locations;
  }
}
