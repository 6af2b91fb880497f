import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { BroadcastChannel, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { COMMANDS, type Command, RESULTS, type Result } from './messages';
import type { ThreadPeriod } from './v8-profile';

/** Step in which an exiting thread looks for answers, in milliseconds. */
const POLL_MILLISECONDS = 2;
/** Channel on which Node.js names each worker that this thread makes. */
const MADE = 'worker_threads';

type Channel = BroadcastChannel & { unref(): void };

/** The main thread's side of the workers: asks for their periods and keeps those that came. */
export class WorkerPeriods {
  private readonly commands = new BroadcastChannel(COMMANDS) as Channel;
  private readonly results = new BroadcastChannel(RESULTS) as Channel;
  private readonly alive = new Set<number>();
  /** The workers that this thread made, by number: one ended by `terminate()` says no farewell. */
  private readonly made = new Map<number, WeakRef<Worker>>();
  private readonly onMade = (message: unknown): void => {
    const { worker } = message as { worker: Worker };
    this.made.set(worker.threadId, new WeakRef(worker));
  };
  private waiting = new Set<number>();
  private received: ThreadPeriod[] = [];
  private onAnswer: (() => void) | undefined;

  constructor() {
    this.commands.unref();
    this.results.onmessage = (message) => {
      this.accept((message as { data: Result }).data);
      this.onAnswer?.();
    };
    // After `onmessage`, which makes the channel hold the process.
    this.results.unref();
    subscribe(MADE, this.onMade);
  }

  get threadIds(): number[] {
    this.forgetEnded();
    return [...this.alive];
  }

  /** Asks every worker and waits for the answers; what comes too late is part of the next period. */
  async gather(action: Command['action'], timeoutMilliseconds: number): Promise<ThreadPeriod[]> {
    this.ask(action);
    if (this.waiting.size > 0) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.onAnswer = undefined;
          resolve();
        };
        const timer = setTimeout(done, timeoutMilliseconds);
        timer.unref();
        this.onAnswer = () => {
          if (this.waiting.size === 0) done();
        };
      });
    }
    return this.take();
  }

  /** As `gather`, without letting the event loop run. */
  gatherSync(action: Command['action'], timeoutMilliseconds: number): ThreadPeriod[] {
    this.drain();
    this.ask(action);
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + timeoutMilliseconds;
    while (this.waiting.size > 0 && performance.now() < deadline) {
      Atomics.wait(sleeper, 0, 0, POLL_MILLISECONDS);
      this.drain();
    }
    return this.take();
  }

  close(): void {
    unsubscribe(MADE, this.onMade);
    this.commands.close();
    this.results.close();
  }

  private ask(action: Command['action']): void {
    this.forgetEnded();
    this.waiting = new Set(this.alive);
    if (this.waiting.size > 0) this.commands.postMessage({ action } satisfies Command);
  }

  /** A worker has no number any more when its `exit` event comes; listening to it would be seen by the program. */
  private forgetEnded(): void {
    for (const threadId of this.alive) {
      if (this.hasEnded(threadId)) this.alive.delete(threadId);
    }
  }

  private hasEnded(threadId: number): boolean {
    const reference = this.made.get(threadId);
    if (!reference) return false;
    const worker = reference.deref();
    // Node.js holds every worker that runs.
    return worker === undefined || worker.threadId < 0;
  }

  private drain(): void {
    for (;;) {
      // Documented to take a BroadcastChannel too; the typings of Node.js 20 name only MessagePort.
      const next = receiveMessageOnPort(this.results as unknown as import('node:worker_threads').MessagePort);
      if (!next) return;
      this.accept(next.message as Result);
    }
  }

  private accept(result: Result): void {
    if (result.kind === 'hello') {
      this.alive.add(result.threadId);
      return;
    }
    if (result.kind === 'bye') this.alive.delete(result.threadId);
    else this.alive.add(result.threadId);
    this.waiting.delete(result.threadId);
    this.received.push(result.period);
  }

  private take(): ThreadPeriod[] {
    // One that somebody else made and terminated never answers; it is not waited for again. One that was only busy
    // answers later, and is taken back then.
    for (const silent of this.waiting) this.alive.delete(silent);
    this.waiting.clear();
    // Only now: a greeting may come after the end, and is not to be believed then.
    for (const threadId of this.made.keys()) {
      if (this.hasEnded(threadId)) this.made.delete(threadId);
    }
    const periods = this.received;
    this.received = [];
    return periods;
  }
}
