import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { Profile as PprofProfile } from 'pprof-format';
import {
  type Engine,
  type EngineMetrics,
  type EngineOptions,
  type EngineStatus,
  type Profile,
  type StartReport,
  threadName,
} from '../engine';
import { nextSequence } from '../output/pprof-file';
import { RUNTIME_ID_COMMENT } from '../output/process-name';
import { ProfileBuilder } from './builder';
import { epochNanoseconds, ThreadCollector } from './collector';
import { convertPeriod } from './convert';
import type { ThreadPeriod } from './v8-profile';
import { WorkerPeriods } from './workers';

/** As it is at the start: a program may take it away. */
const { queueMicrotask } = globalThis;

/** How long a flush waits for workers that are busy; their period comes with the next profile. */
const WORKER_TIMEOUT_MILLISECONDS = 1000;
/**
 * How long the end of the process waits for them. A worker that comes to its event loop answers in a few milliseconds,
 * also on a loaded machine in less than this; one that is busy cannot be told from it and holds the end up for so long.
 */
const EXIT_WORKER_TIMEOUT_MILLISECONDS = 500;
/** Longest slice of conversion between two turns of the event loop. */
const SLICE_MILLISECONDS = 4;

/** Profiles of this process so far: a file's name is not used twice, also when profiling stops and starts again. */
let sequence = 0;

/** The fallback: V8's own profiler, through `node:inspector`, on the JavaScript threads. */
export class InspectorEngine implements Engine {
  readonly report: StartReport;
  private readonly collector: ThreadCollector;
  private readonly workers = new WorkerPeriods();
  private running = true;
  /** Periods cut but not yet handed out: an exit in the middle of a flush must not lose them. */
  private pending: ThreadPeriod[] = [];
  private readonly counters = { profiles: 0, samples: 0, conversion_nanoseconds: 0 };

  constructor(
    private readonly options: EngineOptions,
    reason: string,
  ) {
    if (options.outputPrefix !== undefined) sequence = Math.max(sequence, nextSequence(options.outputPrefix));
    this.collector = new ThreadCollector(options.intervalNanoseconds);
    this.report = {
      engine: 'inspector',
      reason,
      rejected: [],
      signal: '',
    };
  }

  async flush(): Promise<Profile> {
    this.pending.push(this.collector.cut());
    return this.finish('cut');
  }

  async stop(): Promise<Profile> {
    this.running = false;
    this.pending.push(this.collector.stop());
    const profile = await this.finish('stop');
    this.workers.close();
    return profile;
  }

  flushSync(timeoutMilliseconds: number): Profile | null {
    const last = this.running ? this.collector.pause() : undefined;
    if (last) {
      this.pending.push(last);
      // Where the end does not come after all: `process.execve()` has failed.
      queueMicrotask(() => this.running && this.collector.resume());
    }
    const patience = Math.min(timeoutMilliseconds, EXIT_WORKER_TIMEOUT_MILLISECONDS);
    this.pending.push(...this.workers.gatherSync('cut', patience));
    const periods = this.pending;
    this.pending = [];
    const assembly = this.assemble(periods);
    for (let step = assembly.next(); ; step = assembly.next()) {
      if (step.done) return this.describe(periods, gzipSync(step.value.encode()));
    }
  }

  waitForSignal(): boolean {
    // It guards none.
    return false;
  }

  liveOn(): void {
    // `flushSync` has not stopped it.
  }

  takeUndelivered(): Profile[] {
    // `flushSync` takes over the periods of a flush that is still at work.
    return [];
  }

  claimProfile(): boolean {
    return true;
  }

  forgetProfile(): void {
    // Nothing is kept: another thread could not write it either.
  }

  writeTo(): void {
    // It writes nothing by itself.
  }

  /** Reads no source maps. */
  takeSourceMapFailures(): [] {
    return [];
  }

  takeWriteFailure(): null {
    return null;
  }

  metrics(): EngineMetrics {
    return { counters: { ...this.counters }, handler: [] };
  }

  status(): EngineStatus {
    const threadIds = [0, ...this.workers.threadIds];
    return {
      running: this.running,
      threads: threadIds.map((threadId) => ({ threadId, name: threadName(threadId), dropped: 0 })),
      features: [
        { name: 'native frames', ok: false, reason: "V8's profiler sees JavaScript only" },
        { name: 'native threads', ok: false, reason: "V8's profiler sees JavaScript threads only" },
        {
          name: 'lines of callers',
          ok: false,
          reason: "V8's profiler keeps the executing line of the leaf only",
        },
      ],
    };
  }

  private async finish(action: 'cut' | 'stop'): Promise<Profile> {
    this.pending.push(...(await this.workers.gather(action, WORKER_TIMEOUT_MILLISECONDS)));
    const periods = [...this.pending];
    const assembly = this.assemble(periods);
    let sliceEnd = performance.now() + SLICE_MILLISECONDS;
    for (let step = assembly.next(); ; step = assembly.next()) {
      if (step.done) {
        const data = await promisify(gzip)(await step.value.encodeAsync());
        this.pending = this.pending.filter((period) => !periods.includes(period));
        return this.describe(periods, data);
      }
      if (performance.now() > sliceEnd) {
        await new Promise(setImmediate);
        sliceEnd = performance.now() + SLICE_MILLISECONDS;
      }
    }
  }

  private *assemble(periods: ThreadPeriod[]): Generator<void, PprofProfile> {
    const started = performance.now();
    // A thread's CPU clock exists in every thread of a Node.js version or in none.
    const hasCpu = periods.length > 0 && periods.every((period) => period.cpuNanoseconds !== undefined);
    const cpu = this.options.cpu && hasCpu;
    // One there must be.
    const wall = this.options.wall || !cpu;
    const builder = new ProfileBuilder([
      ['sample', 'count'],
      ...(wall ? ([['wall', 'nanoseconds']] as const) : []),
      ...(cpu ? ([['cpu', 'nanoseconds']] as const) : []),
    ]);
    for (const period of periods) {
      yield* convertPeriod(builder, period, { ...this.options, wall, cpu });
    }
    const { start, end } = span(periods);
    const { intervalNanoseconds, runtimeId } = this.options;
    const comments = runtimeId === undefined ? [] : [`${RUNTIME_ID_COMMENT}${runtimeId}`];
    const profile = builder.finish(start, end - start, intervalNanoseconds, comments);
    this.counters.profiles += 1;
    this.counters.samples += builder.sampleCount;
    this.counters.conversion_nanoseconds += Math.round((performance.now() - started) * 1e6);
    return profile;
  }

  private describe(periods: ThreadPeriod[], data: Buffer): Profile {
    const { start, end } = span(periods);
    const samples = periods.reduce((sum, period) => sum + (period.profile.samples?.length ?? 0), 0);
    return { data, startNanoseconds: start, endNanoseconds: end, samples, dropped: 0, sequence: sequence++ };
  }
}

function span(periods: ThreadPeriod[]): { start: bigint; end: bigint } {
  let start: bigint | undefined;
  let end: bigint | undefined;
  for (const { startNanoseconds, profile } of periods) {
    const length = Math.max(0, Math.round(profile.endTime - profile.startTime));
    const endNanoseconds = startNanoseconds + BigInt(length) * 1000n;
    if (start === undefined || startNanoseconds < start) start = startNanoseconds;
    if (end === undefined || endNanoseconds > end) end = endNanoseconds;
  }
  const now = epochNanoseconds();
  return { start: start ?? now, end: end ?? now };
}
