import { busyNodes } from './busy';
import type { Delays } from './delays';
import { isLoading, isTheirs } from './frames';
import type { Moment, Moments } from './moments';
import type { Frame } from './stacks';

/** A time in which one function kept the loop from going on. */
export interface Block {
  /** The innermost function of the program or of a package that was on the stack all the time. */
  frame: Frame;
  /** Milliseconds. */
  duration: number;
  /** Milliseconds since the epoch. */
  end: number;
}

/** Shorter ones are not told. */
export const LEAST_BLOCK = 100;
/** Milliseconds between two samples that are taken for independent: kernels that interrupt a thread by its CPU time do so no sooner. */
const LEAST_INTERVAL = 4;
/** How many blocks may be there by chance in all that was looked at. */
const CHANCE = 0.01;
/**
 * Where a thread sleeps in the middle of JavaScript, and does nothing else. In other calls of the system, such as those of files, a thread
 * without CPU time may as well be one that was kept from its processor: on a machine with too much to do that is for 100 ms and more.
 */
const SLEEPS = /^(spawnSync|execSync|execFileSync)$|AtomicsWait/;

/** A time that has so much of the delay which the loop has measured is what events waited for; */
const MOST_OF_DELAY = 0.75;
/** one that has so many times as much is several calls. It begins with a sample that is not the call's alone. */
const MORE_THAN_DELAY = 1.25;

/**
 * Finds times in which all samples of a thread have one function below the loop in common. Samples do not tell where a turn of the
 * loop ends: a short function that is called again and again can be met by each of some samples that follow each other. Where the
 * loop has measured for how long it kept events waiting, that tells: the time of one call is no longer than what an event had to wait
 * that came at its start, and one that is about as long as that is the call's. Else a time counts only if it is longer than those that
 * come about by chance. Were calls short, a function that has the share p of a thread's n samples would be met L times in a row
 * n·(1 − p)·p^L times; that must be less than {@link CHANCE}. Calls do come in bursts, so this alone takes some for blocks.
 * @param interval milliseconds between two samples of a thread that is busy
 */
export function findBlocks(moments: Moments, interval: number, delays: Delays): Block[] {
  const calls = new Calls(moments);
  const step = Math.max(LEAST_INTERVAL, interval);
  return byLane(moments.samples).flatMap((samples) => {
    const tellsCpu = samples.some(({ cpu }) => cpu > 0);
    const process = moments.processes[samples[0]?.lane ?? 0] ?? '';
    const lasts = samples.map((sample) => {
      const lasting = calls.lasting(sample, tellsCpu);
      // Of a thread that sleeps again and again in one place several sleeps may be one sample.
      const delay = sample.cpu > 0 ? undefined : delayWithin(delays, process, sample);
      return delay === undefined ? lasting : Math.min(lasting, delay);
    });
    const whole = samples.reduce(
      (sum, { node, wall }, at) => sum + (calls.isBusy(node) ? (lasts[at] as number) : wall),
      0,
    );
    const inside = calls.totals(samples, lasts);
    const isNoChance = ({ node, duration, start, end }: Run): boolean => {
      if (duration < LEAST_BLOCK) return false;
      const delay = delays.at(process, start);
      if (delay !== undefined) {
        if (end - start > delay + step || duration > MORE_THAN_DELAY * delay + step) return false;
        if (duration >= MOST_OF_DELAY * delay) return true;
      }
      // As if one sample more had been elsewhere: that none was is no proof that none could be.
      const share = (inside[node] as number) / (whole + step);
      return (whole / step) * (1 - share) * share ** (duration / step) < CHANCE;
    };
    return outermost(runsOf(samples, lasts, calls), isNoChance).map((run) => ({
      frame: calls.frameOf(responsible(run)),
      duration: run.duration,
      end: run.end,
    }));
  });
}

/** The longest that an event had to wait which came while a sample lasted, as far as its start and end tell. */
function delayWithin(delays: Delays, process: string, { end, wall }: Moment): number | undefined {
  const [first, last] = [delays.at(process, end - wall), delays.at(process, end)];
  return first === undefined || last === undefined ? undefined : Math.max(first, last);
}

/** Samples in a row that have one call of the program in common, and runs of what it called. */
interface Run {
  node: number;
  duration: number;
  /** Ends of the first sample and of the last: the call was there from the one to the other. */
  start: number;
  end: number;
  below: Run[];
}

/** What a call must have of a run to be named for it. */
const NEARLY_ALL = 0.9;

/** All runs that are long enough to be told or to name one that is, and that no other holds, in the order of time. */
function runsOf(samples: readonly Moment[], lasts: readonly number[], calls: Calls): Run[] {
  /** The calls that the last sample had, from the outermost, with what had lasted when they began. */
  const open = [{ node: 0, began: 0, start: 0, below: [] as Run[] }];
  let [passed, before] = [0, 0];
  const close = (depth: number): void => {
    while (open.length > depth) {
      const { node, began, start, below } = open.pop() as (typeof open)[0];
      const duration = passed - began;
      if (duration >= NEARLY_ALL * LEAST_BLOCK)
        open.at(-1)?.below.push({ node, duration, start, end: before, below });
    }
  };
  samples.forEach(({ node, end }, at) => {
    const path = calls.beyond(node, (depth) => open[depth]?.node);
    close(calls.depth(node) - path.length + 1);
    for (const next of path) open.push({ node: next, began: passed, start: end, below: [] });
    passed += lasts[at] as number;
    before = end;
  });
  close(1);
  return (open[0] as (typeof open)[0]).below;
}

function outermost(runs: readonly Run[], passes: (run: Run) => boolean): Run[] {
  return runs.flatMap((run) => (passes(run) ? run : outermost(run.below, passes)));
}

/** The innermost call that was there nearly all of the time. */
function responsible({ node, duration, below }: Run): number {
  const inner = below.find((run) => run.duration >= NEARLY_ALL * duration);
  return inner ? responsible(inner) : node;
}

function byLane(samples: readonly Moment[]): Moment[][] {
  const lanes = new Map<number, Moment[]>();
  for (const sample of samples) {
    const lane = lanes.get(sample.lane);
    if (lane) lane.push(sample);
    else lanes.set(sample.lane, [sample]);
  }
  return [...lanes.values()];
}

/** The calls of single samples, as far as the program and its packages make them. */
class Calls {
  /** Of each node, the nearest function of the program or of a package at it or above; 0 where there is none, and at the start. */
  private readonly nearest: Uint32Array;
  private readonly depths: Uint32Array;
  private readonly sleeps: Uint8Array;
  private readonly busy: Uint8Array;

  constructor(private readonly moments: Moments) {
    const { frames, parent, frame } = moments;
    this.nearest = new Uint32Array(parent.length);
    this.depths = new Uint32Array(parent.length);
    this.sleeps = new Uint8Array(parent.length);
    this.busy = busyNodes(moments);
    const starting = new Uint8Array(parent.length);
    const of = (test: (one: Frame) => boolean) => Uint8Array.from(frames, (one) => Number(test(one)));
    const [loading, theirs, sleeping] = [
      of(isLoading),
      of(isTheirs),
      of(({ called }) => SLEEPS.test(called)),
    ];
    for (let node = 1; node < parent.length; node++) {
      const [above, at] = [parent[node] as number, frame[node] as number];
      this.sleeps[node] = (this.sleeps[above] as number) | (sleeping[at] as number);
      starting[node] = (starting[above] as number) | (loading[at] && this.nearest[above] === 0 ? 1 : 0);
      if (starting[node]) continue;
      this.nearest[node] = theirs[at] ? node : (this.nearest[above] as number);
      if (theirs[at]) this.depths[node] = (this.depths[this.nearest[above] as number] as number) + 1;
    }
  }

  /**
   * For how long a sample held the loop. What the thread computed counts, and not the time in which other programs had its processor;
   * of a thread that slept, which has no CPU time then, the sleep does where the program asked for it.
   */
  lasting({ node, wall, cpu }: Moment, tellsCpu: boolean): number {
    if (!tellsCpu) return wall;
    return cpu === 0 && this.sleeps[node] ? wall : cpu;
  }

  isBusy(node: number): boolean {
    return this.busy[node] === 1;
  }

  /** How many calls are on a stack. */
  depth(node: number): number {
    return this.depths[this.nearest[node] as number] as number;
  }

  /** The calls of a stack, from the outermost, that come behind those which another has as well. */
  beyond(node: number, other: (depth: number) => number | undefined): number[] {
    const path: number[] = [];
    let at = this.nearest[node] as number;
    while (at !== 0 && other(this.depths[at] as number) !== at) {
      path.push(at);
      at = this.nearest[this.moments.parent[at] as number] as number;
    }
    return path.reverse();
  }

  /** Of each node, what the samples at it and below lasted. */
  totals(samples: readonly Moment[], lasts: readonly number[]): Float64Array {
    const { parent } = this.moments;
    const totals = new Float64Array(parent.length);
    samples.forEach(({ node }, at) => {
      totals[node] = (totals[node] as number) + (lasts[at] as number);
    });
    for (let node = parent.length - 1; node > 0; node--) {
      const above = parent[node] as number;
      totals[above] = (totals[above] as number) + (totals[node] as number);
    }
    return totals;
  }

  frameOf(node: number): Frame {
    return this.moments.frames[this.moments.frame[node] as number] as Frame;
  }
}
