import { readlinkSync } from 'node:fs';
import { Session } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { threadId } from 'node:worker_threads';
import type { ThreadPeriod, V8Profile } from './v8-profile';

/** Not in Node.js 20, nor in its typings. */
interface ThreadClock {
  threadCpuUsage?: () => { user: number; system: number };
}

/** Runs V8's profiler on the thread that makes it. */
export class ThreadCollector {
  private readonly session = new Session();
  private readonly osThreadId = osThreadId();
  private startNanoseconds = 0n;
  private startCpu: number | undefined;
  private paused = false;

  constructor(intervalNanoseconds: number) {
    this.session.connect();
    this.post('Profiler.enable');
    this.post('Profiler.setSamplingInterval', {
      interval: Math.max(1, Math.round(intervalNanoseconds / 1000)),
    });
    this.begin();
  }

  /** Ends the period and begins the next one. */
  cut(): ThreadPeriod {
    const period = this.end();
    this.begin();
    return period;
  }

  /**
   * Ends the period without beginning the next one: V8 sends a signal for each sample, and one that is late would end the
   * program that this process executes. Undefined where that was done already.
   */
  pause(): ThreadPeriod | undefined {
    if (this.paused) return undefined;
    this.paused = true;
    return this.end();
  }

  /** Begins the next period after `pause`. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.begin();
  }

  /** Ends the last period. The collector is done after this. */
  stop(): ThreadPeriod {
    const period = this.end();
    this.post('Profiler.disable');
    this.session.disconnect();
    return period;
  }

  private begin(): void {
    this.startCpu = threadCpuNanoseconds();
    this.post('Profiler.start');
    this.startNanoseconds = epochNanoseconds();
  }

  private end(): ThreadPeriod {
    const { profile } = this.post('Profiler.stop') as { profile: V8Profile };
    const cpu = threadCpuNanoseconds();
    return {
      threadId,
      osThreadId: this.osThreadId,
      startNanoseconds: this.startNanoseconds,
      cpuNanoseconds: cpu === undefined || this.startCpu === undefined ? undefined : cpu - this.startCpu,
      profile,
    };
  }

  /** Sends a command. A session of the same thread answers before `post` returns. */
  private post(method: string, parameters?: object): unknown {
    let answer: unknown;
    let failure: Error | null = null;
    this.session.post(method, parameters, (error, result) => {
      failure = error;
      answer = result;
    });
    if (failure) throw failure;
    return answer;
  }
}

/** Nanoseconds since the epoch by a clock that never jumps. */
export function epochNanoseconds(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
}

function threadCpuNanoseconds(): number | undefined {
  const usage = (process as ThreadClock).threadCpuUsage?.();
  return usage && (usage.user + usage.system) * 1000;
}

function osThreadId(): string {
  if (process.platform !== 'linux') return 'NA';
  try {
    // The link is read by the calling thread, so it names this one: <pid>/task/<tid>.
    return readlinkSync('/proc/thread-self').split('/').pop() ?? 'NA';
  } catch {
    // No /proc: the label says so.
    return 'NA';
  }
}
